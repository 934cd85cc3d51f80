/** Process: the application that uses the tunnel. Sink of downloads, source of uploads, and what takes the times. */
import { echo, type EchoOptions, type EchoReport } from '../check/echo.js';
import { openThrough } from '../check/open-through.js';
import type { TransferRequest } from '../check/request.js';
import { transfer, type TransferReport, type Way } from '../check/transfer.js';
import { nowMs } from '../process/clock.js';
import { serve } from '../process/worker.js';

/** Streams opened and closed, some of them to hosts that do not answer. */
export interface OpensOptions {
  way: Way;
  firstId: number;
  count: number;
  /** Opens at once. */
  concurrency: number;
  /** Every how many-th open goes to the dead host; 0 for none. */
  deadEvery: number;
  dead?: { host: string; port: number };
  timeoutMs: number;
}

let knocking: AbortController | undefined;
let failedKnocks = 0;

async function knockOn(way: Way, timeoutMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      (await openThrough(way.entry, way.host, way.port, timeoutMs, signal)).destroy();
      return;
    } catch {
      if (!signal.aborted) failedKnocks++;
    }
  }
}

const verbs = {
  /** Runs all transfers at once. */
  transfer: ({ way, requests }: { way: Way; requests: TransferRequest[] }): Promise<TransferReport[]> =>
    Promise.all(requests.map((request) => transfer(way, request))),
  echo: (options: EchoOptions): Promise<EchoReport> => echo(options),
  /** Begins to open streams to a host that does not answer, and goes on with the next when one fails. */
  knock: ({ way, count, timeoutMs }: { way: Way; count: number; timeoutMs: number }): void => {
    knocking = new AbortController();
    const { signal } = knocking;
    for (let i = 0; i < count; i++) void knockOn(way, timeoutMs, signal);
  },
  /** Ends that; gives how many opens failed meanwhile. */
  stopKnocking: (): number => {
    knocking?.abort();
    const count = failedKnocks;
    failedKnocks = 0;
    return count;
  },
  opens: async (options: OpensOptions): Promise<EchoReport & { seconds: number; done: number }> => {
    const { way, firstId, count, concurrency, deadEvery, dead, timeoutMs } = options;
    const all: EchoReport = { timesMs: [], problems: [] };
    const knocks: Array<Promise<void>> = [];
    let next = 0;
    const startMs = nowMs();
    const work = async (): Promise<void> => {
      for (let i = next++; i < count; i = next++) {
        if (dead && deadEvery > 0 && i % deadEvery === deadEvery - 1) {
          // Not waited for: a browser does not wait for one dead host before it opens the next stream either.
          knocks.push(
            openThrough(way.entry, dead.host, dead.port, timeoutMs).then(
              (socket) => void socket.destroy(),
              () => undefined,
            ),
          );
          continue;
        }
        const one = await echo({ way, firstId: firstId + i, count: 1, bytes: 8, stream: 'fresh', timeoutMs });
        all.timesMs.push(...one.timesMs);
        all.problems.push(...one.problems);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    const seconds = (nowMs() - startMs) / 1e3;
    await Promise.all(knocks);
    return { ...all, seconds, done: all.timesMs.length };
  },
};
export type ApplicationVerbs = typeof verbs;

serve(verbs);

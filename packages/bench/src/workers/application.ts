/** Process: the application that uses the tunnel. Sink of downloads, source of uploads, and what takes the times. */
import type { Socket } from 'node:net';
import { echo, openEcho, type EchoOptions, type EchoReport } from '../check/echo.js';
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

/** Streams that ask and are answered. */
export interface PageOptions {
  way: Way;
  firstId: number;
  streams: number;
  /** Questions of each stream, and bytes of each question and answer. */
  trips: number;
  bytes: number;
  timeoutMs: number;
}

/** Idle streams that are opened at once. */
const OPENS_AT_ONCE = 50;
const resting = new Set<Socket>();

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
  /** Opens streams, echoes on each so that it is surely open, and leaves them alone. */
  hold: async ({
    way,
    firstId,
    count,
  }: {
    way: Way;
    firstId: number;
    count: number;
  }): Promise<{ problems: string[] }> => {
    const problems: string[] = [];
    for (let at = 0; at < count; at += OPENS_AT_ONCE) {
      const some = Array.from({ length: Math.min(OPENS_AT_ONCE, count - at) }, (_, i) => firstId + at + i);
      await Promise.all(
        some.map(async (id) => {
          try {
            resting.add(await openEcho(way, id, 30_000));
          } catch (error) {
            problems.push(`idle stream ${id}: ${(error as Error).message}`);
          }
        }),
      );
    }
    return { problems };
  },
  /** Closes those streams; gives how many had been cut meanwhile. */
  release: (): number => {
    const broken = [...resting].filter((socket) => socket.destroyed).length;
    for (const socket of resting) socket.destroy();
    resting.clear();
    return broken;
  },
  /** Streams at once, each of which asks and is answered so many times, one after the other. */
  page: async (options: PageOptions): Promise<EchoReport & { seconds: number }> => {
    const { way, firstId, streams, trips, bytes, timeoutMs } = options;
    const startMs = nowMs();
    const all = await Promise.all(
      Array.from({ length: streams }, (_, i) =>
        echo({ way, firstId: firstId + i, count: trips, bytes, stream: 'one', timeoutMs }),
      ),
    );
    const seconds = (nowMs() - startMs) / 1e3;
    return {
      seconds,
      timesMs: all.flatMap(({ timesMs }) => timesMs),
      problems: all.flatMap(({ problems }) => problems),
    };
  },
  opens: async (options: OpensOptions): Promise<EchoReport & { seconds: number; done: number }> => {
    const { way, firstId, count, concurrency, deadEvery, dead, timeoutMs } = options;
    const all: EchoReport = { timesMs: [], problems: [] };
    const knocks: Array<Promise<void>> = [];
    const over = new AbortController();
    let next = 0;
    const startMs = nowMs();
    const work = async (): Promise<void> => {
      for (let i = next++; i < count; i = next++) {
        if (dead && deadEvery > 0 && i % deadEvery === deadEvery - 1) {
          // Not waited for: a browser does not wait for one dead host before it opens the next stream either.
          knocks.push(
            openThrough(way.entry, dead.host, dead.port, timeoutMs, over.signal).then(
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
    over.abort();
    await Promise.all(knocks);
    return { ...all, seconds, done: all.timesMs.length };
  },
};
export type ApplicationVerbs = typeof verbs;

serve(verbs);

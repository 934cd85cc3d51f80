import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';

/** What a process has used since its start. Differences of two of these are what a run cost. */
export interface Usage {
  cpuSeconds: number;
  /** Highest resident memory so far. */
  peakMemoryMiB: number;
  memoryMiB: number;
  garbageCollections: number;
  garbageCollectionMs: number;
  /** Bytes read and written on accepted connections, and on connections made. */
  serverBytes: number;
  clientBytes: number;
  /** HTTP requests taken by servers of this process. */
  requests: number;
  /** Most of them that were unanswered at once, since the start or the last `forgetPeak`. */
  mostInFlight: number;
  /** Answers to requests of this process, by what they say they are. */
  answers: Answers;
  /** Open handles other than timers, and timers. */
  handles: number;
  timers: number;
}

/** Counts of answers by their content type: JSON is level 1, bytes and plain text are level 2. */
export type Answers = Record<'json' | 'bytes' | 'text' | 'other', number>;

const KINDS: ReadonlyArray<readonly [type: RegExp, kind: keyof Answers]> = [
  [/^application\/json/i, 'json'],
  [/^application\/octet-stream/i, 'bytes'],
  [/^text\/plain/i, 'text'],
];

/** Adds up the bytes of sockets, closed ones included. */
class SocketBytes {
  #closed = 0;
  readonly #open = new Set<Socket>();

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#closed += socket.bytesRead + socket.bytesWritten;
    });
  }

  get total(): number {
    let total = this.#closed;
    for (const socket of this.#open) total += socket.bytesRead + socket.bytesWritten;
    return total;
  }
}

/**
 * Counts what this process uses, from outside the code that is measured: sockets and requests are seen through Node's
 * own diagnostics channels, so the code under test can neither forget nor embellish them.
 */
export function watchUsage(): { usage: () => Usage; forgetPeak: () => void } {
  const server = new SocketBytes();
  const client = new SocketBytes();
  let requests = 0;
  let inFlight = 0;
  let mostInFlight = 0;
  let collections = 0;
  let collectionMs = 0;
  subscribe('net.server.socket', (message) => server.add((message as { socket: Socket }).socket));
  subscribe('net.client.socket', (message) => client.add((message as { socket: Socket }).socket));
  subscribe('http.server.request.start', (message) => {
    requests++;
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    (message as { response: ServerResponse }).response.once('close', () => inFlight--);
  });
  const answers: Answers = { json: 0, bytes: 0, text: 0, other: 0 };
  subscribe('undici:request:headers', (message) => {
    const { headers } = (message as { response: { headers: Buffer[] } }).response;
    // Names and values follow each other.
    const at = headers.findIndex((name, i) => i % 2 === 0 && /^content-type$/i.test(name.toString()));
    const type = at < 0 ? '' : (headers[at + 1]?.toString() ?? '');
    answers[KINDS.find(([pattern]) => pattern.test(type))?.[1] ?? 'other']++;
  });
  const count = (entries: PerformanceEntry[]): void => {
    collections += entries.length;
    for (const { duration } of entries) collectionMs += duration;
  };
  const observer = new PerformanceObserver((list) => count(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });

  const usage = (): Usage => {
    count(observer.takeRecords());
    const { user, system } = process.cpuUsage();
    const active = process.getActiveResourcesInfo();
    const timers = active.filter((name) => name === 'Timeout' || name === 'Immediate').length;
    return {
      cpuSeconds: (user + system) / 1e6,
      peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
      memoryMiB: process.memoryUsage.rss() / 2 ** 20,
      garbageCollections: collections,
      garbageCollectionMs: collectionMs,
      serverBytes: server.total,
      clientBytes: client.total,
      requests,
      mostInFlight,
      answers: { ...answers },
      handles: active.length - timers,
      timers,
    };
  };
  const forgetPeak = (): void => {
    mostInFlight = inFlight;
  };
  return { usage, forgetPeak };
}

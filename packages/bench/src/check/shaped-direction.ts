import type { Socket } from 'node:net';
import { nowMs } from '../process/clock.js';

/** A link. All zero is a plain pipe. */
export interface Link {
  /** Both ways together; half of it is added to each byte's way. */
  rttMs: number;
  /** Megabits a second per direction, all connections together; 0 is unlimited. */
  rateMbps: number;
  /** Segments lost, in per cent. TCP repairs them: the connection stands for one round trip, or the least time-out. */
  lossPercent: number;
}

const SEGMENT_BYTES = 1460;
/** Shortest time that a TCP stack waits before it sends a lost segment again, where nothing later told it: Linux's least. */
const MIN_RETRANSMIT_MS = 200;
/** Bytes on their way per connection, at most: what a socket's buffers would hold, and a bandwidth-delay product. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** Bytes waiting for their turn at the rate, per connection: a queue of a quarter second at 100 Mbit/s. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

/** One direction of a link, shared by all connections. */
export class Direction {
  readonly #link: Link;
  /** When the link has sent everything it was given. */
  #freeMs = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Carries what `from` reads to `to`, with end and reset. */
  carry(from: Socket, to: Socket): void {
    const queue: Array<{ dueMs: number; chunk: Buffer | null }> = [];
    const { rttMs, rateMbps, lossPercent } = this.#link;
    const plain = rttMs === 0 && rateMbps === 0 && lossPercent === 0;
    let queued = 0;
    let lastDueMs = 0;
    let timer: NodeJS.Timeout | undefined;

    const resume = (): void => {
      if (queued < MAX_QUEUED_BYTES && (rateMbps === 0 || queued < MAX_BACKLOG_BYTES + (rttMs * rateMbps * 125) / 2))
        from.resume();
    };
    const deliver = (): void => {
      timer = undefined;
      for (let head = queue[0]; head && head.dueMs <= nowMs(); head = queue[0]) {
        queue.shift();
        if (head.chunk === null) to.end();
        else {
          queued -= head.chunk.length;
          if (!to.write(head.chunk)) {
            to.once('drain', deliver);
            return;
          }
        }
      }
      resume();
      if (queue[0]) timer = setTimeout(deliver, Math.max(0, queue[0].dueMs - nowMs()));
    };
    const enqueue = (chunk: Buffer | null): void => {
      lastDueMs = Math.max(lastDueMs, this.#dueMs(chunk?.length ?? 0));
      queue.push({ dueMs: lastDueMs, chunk });
      queued += chunk?.length ?? 0;
      if (queued >= MAX_QUEUED_BYTES || rateMbps > 0) from.pause();
      if (timer === undefined && to.listenerCount('drain') === 0)
        timer = setTimeout(deliver, Math.max(0, lastDueMs - nowMs()));
      resume();
    };
    if (plain) from.pipe(to);
    else {
      from.on('data', enqueue);
      from.once('end', () => enqueue(null));
    }
    from.on('error', () => to.destroy());
    from.once('close', () => {
      if (from.errored || !from.readableEnded) to.destroy();
    });
    to.once('close', () => {
      // A connection whose both sides have ended closes while the other direction may still be on its way.
      if (to.writableFinished) return;
      clearTimeout(timer);
      from.destroy();
    });
  }

  #dueMs(bytes: number): number {
    const { freeMs, dueMs } = passage(this.#link, this.#freeMs, nowMs(), bytes, Math.random());
    this.#freeMs = freeMs;
    return dueMs;
  }
}

/**
 * When bytes that come at `now` are through a link that is busy until `freeMs`, and when the link is free again.
 * `chance` (0 to 1) decides whether one of their segments is lost.
 */
export function passage(
  link: Link,
  freeMs: number,
  now: number,
  bytes: number,
  chance: number,
): { freeMs: number; dueMs: number } {
  const { rttMs, rateMbps, lossPercent } = link;
  const free = Math.max(freeMs, now) + (rateMbps > 0 ? bytes / (rateMbps * 125) : 0);
  const segments = Math.ceil(bytes / SEGMENT_BYTES);
  const lost = lossPercent > 0 && chance > (1 - lossPercent / 100) ** segments;
  return { freeMs: free, dueMs: free + rttMs / 2 + (lost ? Math.max(rttMs, MIN_RETRANSMIT_MS) : 0) };
}

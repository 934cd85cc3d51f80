import type { Stream } from './stream.js';

/** A stream that moved more than this without a pause is bulk. */
const BULK_BYTES = 65_536;
const PAUSE_MS = 500;
/** How long a small message is remembered, ms: the next one should find the way clear. */
const KEEP_MS = 3000;

/** When a stream last moved what looked like a small message. */
interface Sight {
  readonly sid: number;
  readonly at: number;
}

/** Whether small messages travel beside bulk, and should not wait behind large bodies. */
export class QuickMessages {
  /** The last small message, and the last one of another stream before it. */
  #last: Sight | undefined;
  #before: Sight | undefined;
  #bulkAt = Number.NEGATIVE_INFINITY;

  /** `bytes` of a stream were written here or arrived. */
  note(stream: Stream, bytes: number, now: number): void {
    const { sid } = stream;
    if (now - stream.movedAt > PAUSE_MS) stream.movedBytes = 0;
    stream.movedBytes += bytes;
    stream.movedAt = now;
    // What stops at its credit is cut small by a slow reader, not by who sends it.
    if (stream.isHeldUp) return;
    const isSmall = stream.movedBytes <= BULK_BYTES;
    // A word at the end of bulk is no conversation, nor is what a slow reader lets through.
    if (isSmall && (stream.wasHeldUp || now - stream.bulkAt < KEEP_MS)) return;
    if (isSmall) {
      if (this.#last?.sid !== sid) this.#before = this.#last;
      this.#last = { sid, at: now };
      return;
    }
    this.#bulkAt = now;
    stream.bulkAt = now;
    if (this.#last?.sid !== sid) return;
    // What looked like a small message was the beginning of bulk.
    this.#last = this.#before;
    this.#before = undefined;
  }

  /** Both were seen lately. */
  besideBulk(now: number, roundTripMs: number): boolean {
    const since = now - Math.max(KEEP_MS, 4 * roundTripMs);
    return this.#last !== undefined && this.#last.at >= since && this.#bulkAt >= since;
  }
}

import type { Stream } from './stream.js';

/** A stream that moved more than this without a pause is bulk. */
const BULK_BYTES = 65_536;
const PAUSE_MS = 500;
/** How long a small message is remembered, ms: the next one should find the way clear. */
const KEEP_MS = 3000;

/** Whether small messages travel beside bulk, and should not wait behind large bodies. */
export class QuickMessages {
  #at = Number.NEGATIVE_INFINITY;
  #bulkAt = Number.NEGATIVE_INFINITY;
  #sid = -1;

  /** `bytes` of a stream were written here or arrived. */
  note(stream: Stream, bytes: number, now: number): void {
    if (now - stream.movedAt > PAUSE_MS) stream.movedBytes = 0;
    stream.movedBytes += bytes;
    stream.movedAt = now;
    if (stream.movedBytes <= BULK_BYTES) {
      this.#at = now;
      this.#sid = stream.sid;
      return;
    }
    this.#bulkAt = now;
    if (this.#sid !== stream.sid) return;
    // What looked like a small message was the beginning of bulk.
    this.#at = Number.NEGATIVE_INFINITY;
    this.#sid = -1;
  }

  /** Both were seen lately. */
  besideBulk(now: number, roundTripMs: number): boolean {
    const since = now - Math.max(KEEP_MS, 4 * roundTripMs);
    return this.#at >= since && this.#bulkAt >= since;
  }
}

import type { Earliest } from './earliest.js';
import type { FrameQueue } from './frame-queue.js';
import type { RoundTrip } from './round-trip.js';

/** A sign of the newest frame is waited for this much longer than a late round trip, ms: the longest time between reports. */
const PATIENCE_MS = 50;
/** The wait doubles with each time in vain, up to this many times. */
const MOST_DOUBLINGS = 5;
/** Any shard tells of its frame, and of those before it. */
const PROBE_SHARDS: readonly number[] = [0];

/**
 * Frames that nothing follows. A receiver asks for what is missing before the newest shard that it saw; when the last packets are
 * all lost it does not know that there were any. So a shard of the newest frame is sent again (as tail loss probes are, RFC 8985,
 * section 7) until a packet with one is known to have arrived: what else is missing, here and before, is asked for then.
 */
export class FrameTail {
  readonly #frames: FrameQueue;
  readonly #roundTrip: RoundTrip;
  /** Infinity while the receiver knows of the newest frame, or not all of it was sent. */
  #dueAt = Number.POSITIVE_INFINITY;
  #frame = -1;
  #tries = 0;

  constructor(frames: FrameQueue, roundTrip: RoundTrip) {
    this.#frames = frames;
    this.#roundTrip = roundTrip;
  }

  /** Shards were sent. */
  sent(now: number): void {
    const newest = this.#frames.newestSent;
    if (newest === undefined) {
      this.#dueAt = Number.POSITIVE_INFINITY;
      return;
    }
    if (newest.index !== this.#frame) this.#tries = 0;
    this.#frame = newest.index;
    this.#dueAt = now + (this.#roundTrip.lateMs + PATIENCE_MS) * 2 ** this.#tries;
  }

  /** All packets from number `from` up to `to` arrived. */
  arrived(from: number, to: number): void {
    const newest = this.#frames.newestSent;
    if (newest === undefined || (newest.lastPacket >= from && newest.lastPacket <= to)) {
      this.#dueAt = Number.POSITIVE_INFINITY;
    }
  }

  /** The receiver asked for a frame: it knows of that one and of all before it, and asks again by itself. */
  wanted(frame: number): void {
    if (frame >= this.#frame) this.#dueAt = Number.POSITIVE_INFINITY;
  }

  /** A shard of the newest frame is put to what is sent again, if it is time and could come in time. */
  handleTimeout(now: number): void {
    if (now < this.#dueAt) return;
    this.#dueAt = Number.POSITIVE_INFINITY;
    const newest = this.#frames.newestSent;
    if (newest === undefined || newest.index !== this.#frame) return;
    this.#tries = Math.min(MOST_DOUBLINGS, this.#tries + 1);
    this.#frames.want(newest.index, PROBE_SHARDS, this.#roundTrip.smoothedMs / 2, now);
  }

  /** Adds when a shard of the newest frame is to be sent again. */
  addTime(earliest: Earliest): void {
    earliest.add(this.#dueAt);
  }
}

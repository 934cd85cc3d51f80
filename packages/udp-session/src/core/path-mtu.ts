import type { Earliest } from './earliest.js';
import { BASE_PACKET_BYTES } from './items.js';

/** A probe that is not answered is sent so often before its size counts as too large (RFC 8899, MAX_PROBES). */
const MAX_PROBES = 3;
/** The search ends when the steps get smaller than this, bytes. */
const STEP_BYTES = 16;
/** A path that may have become better is probed again after this long (PMTU_RAISE_TIMER is 600 s there; a probe is cheap). */
const RAISE_AFTER_MS = 30_000;
/** Large packets that vanish while others arrive, in so many reports in a row, and so many of them: a black hole. */
const BLACK_REPORTS = 3;
const BLACK_PACKETS = 8;

/** Path MTU discovery in the manner of RFC 8899. Sizes are those of UDP payloads. */
export class PathMtu {
  readonly #maxBytes: number;
  #bytes = BASE_PACKET_BYTES;
  /** Sizes from this one on are too large, as far as is known. */
  #tooLarge: number;
  #probe: { bytes: number; sendings: number; dueAt: number } | undefined;
  #raiseAt: number | undefined;
  #largeSent = 0;
  /** The number of the packet with which there were enough of them. */
  #largeUpTo = 0;
  #blackReports = 0;

  /** @param maxBytes The largest size that is tried: that of the interface. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#tooLarge = maxBytes + 1;
  }

  /** The largest packet that is known to arrive. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size of a probe that is to be sent now, if one is; it counts as sent. */
  takeProbe(waitMs: number, now: number): number | undefined {
    if (this.#raiseAt !== undefined && this.#raiseAt <= now) {
      this.#raiseAt = undefined;
      this.#tooLarge = this.#maxBytes + 1;
    }
    if (this.#probe !== undefined && this.#probe.dueAt <= now && this.#probe.sendings >= MAX_PROBES) {
      this.#tooLarge = this.#probe.bytes;
      this.#probe = undefined;
    }
    if (this.#probe === undefined) {
      const bytes = this.#target();
      if (bytes === undefined) {
        if (this.#bytes < this.#maxBytes) this.#raiseAt ??= now + RAISE_AFTER_MS;
        return undefined;
      }
      this.#probe = { bytes, sendings: 0, dueAt: now };
    }
    if (this.#probe.dueAt > now) return undefined;
    this.#probe.sendings++;
    this.#probe.dueAt = now + waitMs;
    return this.#probe.bytes;
  }

  /** Adds when `takeProbe` has something to say, if it ever has. */
  addTime(earliest: Earliest, now: number): void {
    if (this.#probe !== undefined) earliest.add(this.#probe.dueAt);
    else earliest.add(this.#target() === undefined ? this.#raiseAt : now);
  }

  /** A packet of this size arrived. */
  acknowledged(bytes: number): void {
    if (bytes > this.#maxBytes) return;
    if (bytes > this.#bytes) this.#bytes = bytes;
    if (this.#tooLarge <= this.#bytes) this.#tooLarge = this.#maxBytes + 1;
    if (this.#probe !== undefined && this.#probe.bytes <= this.#bytes) this.#probe = undefined;
    this.#blackReports = 0;
    this.#largeSent = 0;
  }

  /** A packet was sent. */
  sent(bytes: number, number: number): void {
    if (bytes > BASE_PACKET_BYTES && ++this.#largeSent === BLACK_PACKETS) this.#largeUpTo = number;
  }

  /**
   * A report came. True when large packets do not arrive any more: the size is back at the one that every path bears, and
   * the search begins anew, below the size that failed.
   * @param largestBytes The largest packet that arrived since the report before.
   * @param newest The newest packet that arrived: large ones behind it are still on their way.
   */
  reported(largestBytes: number, newest: number): boolean {
    if (this.#bytes === BASE_PACKET_BYTES) return false;
    if (largestBytes > BASE_PACKET_BYTES) this.#largeSent = 0;
    if (this.#largeSent < BLACK_PACKETS || newest < this.#largeUpTo) {
      this.#blackReports = 0;
      return false;
    }
    if (++this.#blackReports < BLACK_REPORTS) return false;
    this.#fallBack();
    return true;
  }

  #fallBack(): void {
    this.#tooLarge = Math.max(BASE_PACKET_BYTES + 1, Math.min(this.#tooLarge, this.#bytes));
    this.#bytes = BASE_PACKET_BYTES;
    this.#probe = undefined;
    this.#raiseAt = undefined;
    this.#blackReports = 0;
    this.#largeSent = 0;
  }

  /** The next size to try: first the largest, which is most often right, then halves. */
  #target(): number | undefined {
    if (this.#bytes >= this.#tooLarge - 1) return undefined;
    if (this.#tooLarge > this.#maxBytes) return this.#maxBytes;
    const middle = Math.floor((this.#bytes + this.#tooLarge) / 2);
    return middle - this.#bytes < STEP_BYTES ? undefined : middle;
  }
}

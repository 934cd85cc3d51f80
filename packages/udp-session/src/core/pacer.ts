/** The bucket holds this much of the rate at least, ms. */
const LEAST_BURST_MS = 1;
/** And at most this much, however late the timers are. */
const MOST_BURST_MS = 20;
/** How late a timer was is forgotten by half after so many of its calls. */
const LATENESS_FADE = 0.97;
/** What small messages may borrow from the time to come, bytes: they do not wait for a large frame. */
const BORROWED_BYTES = 16 * 1024;

/** A token bucket, in bytes. Its burst is what timers that come late make necessary, and 1 ms of the rate at least. */
export class Pacer {
  readonly #leastBurstBytes: number;
  #tokens: number;
  #at: number | undefined;
  #latenessMs = 0;
  #expectedAt: number | undefined;

  /** @param leastBurstBytes Two of the largest packets: fewer bytes cannot be sent in one go. */
  constructor(leastBurstBytes: number) {
    this.#leastBurstBytes = leastBurstBytes;
    this.#tokens = leastBurstBytes;
  }

  /** Most bytes in one go at a rate in bytes per ms. */
  burstBytes(rate: number): number {
    return Math.max(this.#leastBurstBytes, rate * Math.min(MOST_BURST_MS, Math.max(LEAST_BURST_MS, this.#latenessMs)));
  }

  /** Time went on: fills the bucket at a rate in bytes per ms. */
  refill(rate: number, now: number): void {
    if (this.#expectedAt !== undefined && now >= this.#expectedAt) {
      // The timer came this late; what it should have let out in the meantime goes out now.
      this.#latenessMs = Math.max(this.#latenessMs * LATENESS_FADE, Math.min(MOST_BURST_MS, now - this.#expectedAt));
      this.#expectedAt = undefined;
    }
    if (this.#at !== undefined && Number.isFinite(rate)) {
      this.#tokens = Math.min(this.burstBytes(rate), this.#tokens + rate * Math.max(0, now - this.#at));
    } else if (!Number.isFinite(rate)) {
      this.#tokens = Number.MAX_SAFE_INTEGER;
    }
    this.#at = now;
  }

  /** Whether a paced packet may leave. */
  get ready(): boolean {
    return this.#tokens > 0;
  }

  /** Whether a small message may leave. */
  get mayBorrow(): boolean {
    return this.#tokens > -BORROWED_BYTES;
  }

  spend(bytes: number): void {
    this.#tokens -= bytes;
  }

  /** When the bucket will hold half a burst: few timers, and no more in one go than may be. */
  readyAt(rate: number, now: number): number {
    if (this.#tokens > 0) return now;
    const at = (this.#at ?? now) + (this.burstBytes(rate) / 2 - this.#tokens) / rate;
    this.#expectedAt = at;
    return at;
  }
}

/** The round trip before the first measurement, ms. */
const INITIAL_MS = 100;
/** The least round trip is looked for in the last one to two of these. */
const LEAST_FOR_MS = 10_000;

/** Round trips, smoothed as in RFC 9002, section 5. All in ms. */
export class RoundTrip {
  smoothedMs = INITIAL_MS;
  variationMs = INITIAL_MS / 2;
  /** When an answer should have come at the latest. */
  lateMs = INITIAL_MS + 4 * (INITIAL_MS / 2);
  measured = false;
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #leastSince = 0;

  /** The least of the last seconds. */
  get leastMs(): number {
    return this.measured ? Math.min(this.#least, this.#leastBefore) : INITIAL_MS;
  }

  add(sampleMs: number, now: number): void {
    if (!this.measured) {
      this.measured = true;
      this.smoothedMs = sampleMs;
      this.variationMs = sampleMs / 2;
      this.#leastSince = now;
    } else {
      this.variationMs = 0.75 * this.variationMs + 0.25 * Math.abs(this.smoothedMs - sampleMs);
      this.smoothedMs = 0.875 * this.smoothedMs + 0.125 * sampleMs;
    }
    this.lateMs = this.smoothedMs + Math.max(1, 4 * this.variationMs);
    if (now - this.#leastSince >= LEAST_FOR_MS) {
      this.#leastBefore = this.#least;
      this.#least = sampleMs;
      this.#leastSince = now;
    }
    if (sampleMs < this.#least) this.#least = sampleMs;
  }
}

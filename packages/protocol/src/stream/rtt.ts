/** How long the least round trip is remembered, ms. A path that became slower is believed after it. */
const MIN_WINDOW_MS = 30_000;
/** How much it may rise then: a queue of our own that stands for that long must not pass for the path. */
const MOST_RISE = 1.5;

/** Round-trip times of one path, smoothed as in RFC 9002, section 5. All in ms. */
export class RoundTrip {
  readonly #initialMs: number;
  #smoothed: number | undefined;
  #variation: number;
  #latest: number;
  #min: number | undefined;
  #minAt = 0;

  /** `initialMs` is what is assumed before the first sample. */
  constructor(initialMs: number) {
    this.#initialMs = initialMs;
    this.#variation = initialMs / 2;
    this.#latest = initialMs;
  }

  get measured(): boolean {
    return this.#smoothed !== undefined;
  }

  get smoothedMs(): number {
    return this.#smoothed ?? this.#initialMs;
  }

  get latestMs(): number {
    return this.#latest;
  }

  get minMs(): number {
    return this.#min ?? this.#initialMs;
  }

  /** Later than this an answer is unusual. */
  get lateMs(): number {
    return this.smoothedMs + 4 * this.#variation;
  }

  /** `transferMs`: the part of the sample that the bytes themselves took, as far as it is known. */
  add(sampleMs: number, now: number, transferMs = 0): void {
    const sample = Math.max(0, sampleMs);
    this.#latest = sample;
    if (this.#min === undefined || sample <= this.#min) {
      this.#min = sample;
      this.#minAt = now;
    } else if (now - this.#minAt > MIN_WINDOW_MS) {
      this.#min = Math.min(MOST_RISE * this.#min, Math.max(this.#min, sample - transferMs));
      this.#minAt = now;
    }
    if (this.#smoothed === undefined) {
      this.#smoothed = sample;
      this.#variation = sample / 2;
      return;
    }
    this.#variation += (Math.abs(this.#smoothed - sample) - this.#variation) / 4;
    this.#smoothed += (sample - this.#smoothed) / 8;
  }
}

/** Rounds over which the best rate is remembered: long enough to outlive a dip, short enough to follow a change. */
const ROUNDS = 10;
/** One of so many rounds is not believed. */
const OUTLIERS = 5;

/** What was known of a path when an exchange began: with it, its answer tells a rate. */
export interface RateStamp {
  /** Bytes delivered by then, and when the last of them were, ms. */
  readonly bytes: number;
  readonly at: number;
  /** When the newest exchange that was answered by then had begun. */
  readonly sentAt: number;
}

/** One finished round trip's worth of delivery. */
export interface ExchangeRound {
  /** Best rate of its samples, bytes per ms. */
  rate: number;
  /** Everything that was allowed was in flight at some time of the round. */
  limited: boolean;
}

/**
 * Rate at which exchanges deliver, of all of them together, as BBR measures it (draft-cheng-iccrg-delivery-rate-estimation):
 * bytes delivered during the life of an exchange, over the time in which they arrived or that in which they were sent,
 * whichever is longer: what arrives in one bunch looks quicker than it is.
 */
export class ExchangeRate {
  #bytes = 0;
  #at = 0;
  #sentAt = 0;
  #roundEnds = 0;
  #limited = false;
  #sample = 0;
  readonly #recent: number[] = [];

  /** Best rate of the last rounds but for a quarter of them, bytes per ms; 0 before the first. */
  get best(): number {
    return this.#recent.toSorted((left, right) => right - left)[Math.floor(this.#recent.length / OUTLIERS)] ?? 0;
  }

  /** The sender has as much in flight as it may. */
  noteLimited(): void {
    this.#limited = true;
  }

  /** An exchange begins. `alone`: nothing else is under way. */
  start(now: number, alone: boolean): RateStamp {
    if (alone) {
      this.#at = now;
      this.#sentAt = now;
    }
    return { bytes: this.#bytes, at: this.#at, sentAt: this.#sentAt };
  }

  /** An exchange of `bytes` vanished. The path bore them: what loses some at any rate would else be used less and less. */
  lost(bytes: number): void {
    this.#bytes += bytes;
  }

  /** An exchange that began at `sentAt` moved `bytes`. Gives the round that ended by it, if one did. */
  delivered(stamp: RateStamp, sentAt: number, bytes: number, now: number, counts: boolean): ExchangeRound | undefined {
    this.#bytes += bytes;
    this.#at = now;
    this.#sentAt = Math.max(this.#sentAt, sentAt);
    if (!counts) return undefined;
    const tookMs = Math.max(now - stamp.at, sentAt - stamp.sentAt);
    if (tookMs > 0) this.#sample = Math.max(this.#sample, (this.#bytes - stamp.bytes) / tookMs);
    if (stamp.bytes < this.#roundEnds) return undefined;
    this.#roundEnds = this.#bytes;
    const round = { rate: this.#sample, limited: this.#limited };
    if (round.limited || round.rate > this.best) this.#recent.push(round.rate);
    if (this.#recent.length > ROUNDS) this.#recent.shift();
    this.#sample = 0;
    this.#limited = false;
    return round;
  }
}

/** Rounds over which the best rate is remembered: long enough to outlive a dip, short enough to follow a change. */
const ROUNDS = 10;
/** One of so many rounds is not believed. */
const OUTLIERS = 4;

/** One finished round trip's worth of delivery. */
export interface Round {
  /** Bytes per ms. */
  rate: number;
  /** Least round trip seen in it, ms. */
  roundTripMs: number;
  /** Everything that was allowed was in flight at some time of the round. */
  limited: boolean;
}

/**
 * Delivered bytes per ms, measured over rounds. A round ends when something arrives that was sent after it began, so
 * that it spans at least one round trip.
 */
export class DeliveryRate {
  #startedAt: number | undefined;
  #bytes = 0;
  #lastBytes = 0;
  #lastMs = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #limited = false;
  readonly #recent: number[] = [];

  /**
   * Best rate of the last rounds, bytes per ms; 0 before the first. The very best of many only tells how much arrived in one
   * bunch: a quarter of them is left out.
   */
  get best(): number {
    return this.#recent.toSorted((left, right) => right - left)[Math.floor(this.#recent.length / OUTLIERS)] ?? 0;
  }

  /** The sender has as much in flight as it may. */
  noteLimited(): void {
    this.#limited = true;
  }

  /**
   * `bytes` that were sent at `sentAt` arrived. Gives the round that ended by it, if one did. `ends`: false for what is so
   * small that it may overtake the others, and ends no round of theirs.
   */
  delivered(bytes: number, sentAt: number, roundTripMs: number, now: number, ends = true): Round | undefined {
    this.#startedAt ??= sentAt;
    this.#bytes += bytes;
    this.#roundTripMs = Math.min(this.#roundTripMs, roundTripMs);
    if (!ends || sentAt < this.#startedAt || now <= this.#startedAt) return undefined;
    const tookMs = now - this.#startedAt;
    // Over two rounds: what arrives in bunches looks quicker than it is in one.
    const round = {
      rate: (this.#bytes + this.#lastBytes) / (tookMs + this.#lastMs),
      roundTripMs: this.#roundTripMs,
      limited: this.#limited,
    };
    // A round in which the sender had nothing to send says nothing of the path, unless it was quicker all the same.
    if (round.limited || round.rate > this.best) this.#recent.push(round.rate);
    if (this.#recent.length > ROUNDS) this.#recent.shift();
    this.#lastBytes = round.limited ? this.#bytes : 0;
    this.#lastMs = round.limited ? tookMs : 0;
    this.#startedAt = now;
    this.#bytes = 0;
    this.#roundTripMs = Number.POSITIVE_INFINITY;
    this.#limited = false;
    return round;
  }
}

/** The least delay is looked for in this long, so that a drift of the clocks against each other (100 ppm: 1 ms in 10 s) stays small. */
const LEAST_FOR_MS = 5000;

/** One-way delay against its least value: clocks need not agree, only their difference has to hold still for seconds. */
export class DelayTrend {
  #base: number | undefined;
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #leastSince = 0;
  /** The least since the last call of `take`. */
  #interval = Number.POSITIVE_INFINITY;
  #last = 0;

  /** Notes a packet: both times are µs modulo 2^32 (signed or not), `now` is ms. */
  add(sentUs: number, arrivedUs: number, now: number): void {
    const difference = (arrivedUs - sentUs) | 0;
    this.#base ??= difference;
    const delay = (difference - this.#base) | 0;
    if (now - this.#leastSince >= LEAST_FOR_MS) {
      this.#leastBefore = this.#least;
      this.#least = delay;
      this.#leastSince = now;
    }
    if (delay < this.#least) this.#least = delay;
    if (delay < this.#interval) this.#interval = delay;
  }

  /**
   * The least delay since the last call above the least of all, and its change against the last call; µs. A queue delays every packet;
   * what delays only some of them is none.
   */
  take(): { queueUs: number; trendUs: number } {
    const before = this.#last;
    if (Number.isFinite(this.#interval)) this.#last = this.#interval;
    this.#interval = Number.POSITIVE_INFINITY;
    const least = Math.min(this.#least, this.#leastBefore);
    return { queueUs: Math.max(0, this.#last - (Number.isFinite(least) ? least : 0)), trendUs: this.#last - before };
  }
}

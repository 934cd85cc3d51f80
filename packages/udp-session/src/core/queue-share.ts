/** Packets that were sent at less than this part of the rate before tell whose queue it is: so many reports of them. */
const SLOWER = 0.9;
const WATCHED = 2;

/** Packets of one report: how fast they were sent, and how fast they came. Bytes per ms. */
export interface SpacedSample {
  readonly bytes: number;
  readonly sentRate: number;
  readonly rate: number;
}

/**
 * Whose queue it is that stands on the way. Packets that are sent slower than the queue leaves come out of it closer together
 * when nobody else is in it, and just as far apart when nearly everything in it is of others.
 */
export class QueueShare {
  #rate = 0;
  #reports = 0;
  #bytes = 0;
  #sentMs = 0;
  #arrivedMs = 0;

  /** The rate before it was lowered, bytes per ms. */
  get rate(): number {
    return this.#rate;
  }

  /** Begins anew: from now on less than `rate` is sent. */
  watch(rate: number): void {
    this.#rate = rate;
    this.#reports = 0;
    this.#bytes = 0;
    this.#sentMs = 0;
    this.#arrivedMs = 0;
  }

  /** Whether packets were sent before the rate was lowered. */
  isBefore({ sentRate }: SpacedSample): boolean {
    return sentRate >= SLOWER * this.#rate;
  }

  /** Notes a report; only what was sent slower counts. */
  add(sample: SpacedSample): void {
    if (this.isBefore(sample)) return;
    this.#reports++;
    this.#bytes += sample.bytes;
    this.#sentMs += sample.bytes / sample.sentRate;
    this.#arrivedMs += sample.bytes / sample.rate;
  }

  /**
   * The part of the queue that comes from here, 0 to 1 but for what the measurement brings; much less than 0 when the path became
   * slower meanwhile. Undefined until it can be told.
   */
  get own(): number | undefined {
    if (this.#reports < WATCHED) return undefined;
    return (1 - this.#arrivedMs / this.#sentMs) / (1 - this.#bytes / this.#sentMs / this.#rate);
  }
}

/** Packets that were sent at less than this part of the rate before tell whose queue it is: so many reports of them. */
const SLOWER = 0.9;
const WATCHED = 2;
/** The last so many of them tell whether what arrives depends at all on what is sent, once that changed by this part. */
const LAST = 3;
const CHANGED = 0.05;
/** What arrives changed by less than this part of that: it does not. */
const FOLLOWS = 0.3;

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
  readonly #lastSent = new Float64Array(LAST);
  readonly #lastArrived = new Float64Array(LAST);

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
    this.#lastSent[this.#reports % LAST] = sample.sentRate;
    this.#lastArrived[this.#reports % LAST] = sample.rate;
    this.#reports++;
    this.#bytes += sample.bytes;
    this.#sentMs += sample.bytes / sample.sentRate;
    this.#arrivedMs += sample.bytes / sample.rate;
  }

  /**
   * Whether packets came just as fast as before although they were sent slower or faster: then nobody else is in the queue, and
   * this is how fast it leaves, whatever that was before.
   */
  get isSteady(): boolean {
    if (this.#reports < LAST) return false;
    const changed = spread(this.#lastSent);
    return changed > CHANGED && spread(this.#lastArrived) < FOLLOWS * changed;
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

/** By what part of the largest value the smallest is less. */
function spread(values: Float64Array): number {
  return 1 - Math.min(...values) / Math.max(...values);
}

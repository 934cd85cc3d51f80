import type { Round } from './delivery-rate.js';

/** Growth that counts as more. */
const GROWTH = 1.25;
/** Growth in the steady phase that counts as more. */
const STEADY_GROWTH = 1.05;
/** Rounds without growth after which the start is over. */
const FLAT_ROUNDS = 3;
/** Round trips this much above the least say that a queue stands somewhere. */
const QUEUE_FACTOR = 1.25;
/** Rounds between two attempts to use one more, when nothing else happens. */
const PROBE_ROUNDS = 8;

/**
 * How much may be in flight on one path, in slots (exchanges, or full packets), aimed at the bandwidth-delay product
 * (R12): doubled each round while the delivered rate grows, given back when round trips rise over their least
 * without more being delivered, and tried one higher now and then.
 */
export class InFlight {
  readonly #least: number;
  readonly #most: number;
  #limit: number;
  #best = 0;
  #flat = 0;
  #starting = true;
  #rounds = 0;

  constructor(options: { initial: number; least: number; most: number }) {
    this.#least = options.least;
    this.#most = options.most;
    this.#limit = Math.min(options.most, options.initial);
  }

  /** Slots that may be in use. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Still doubling. */
  get starting(): boolean {
    return this.#starting;
  }

  /**
   * A round ended. `minMs`: least round trip of the path; `bestRate`: best rate of the last rounds, bytes per ms;
   * `slotBytes`: what one slot carries when it is used well.
   */
  onRound(round: Round, minMs: number, bestRate: number, slotBytes: number): void {
    this.#rounds++;
    const grew = round.rate > this.#best * (this.#starting ? GROWTH : STEADY_GROWTH);
    this.#best = grew ? round.rate : Math.min(this.#best, Math.max(bestRate, round.rate));
    if (!round.limited) return;
    const product = (Math.max(bestRate, round.rate) * minMs) / slotBytes;
    const queues = round.roundTripMs > minMs * QUEUE_FACTOR + 1;
    if (this.#starting && !grew && queues) {
      this.#starting = false;
      this.#set(product + 2);
    } else if (this.#starting) this.#start(grew);
    else if (grew) this.#set(this.#limit + Math.max(1, this.#limit / 8));
    else if (queues) this.#set(Math.max(product + 2, this.#limit * 0.85));
    else if (this.#rounds % PROBE_ROUNDS === 0) this.#set(this.#limit + 1);
  }

  #start(grew: boolean): void {
    if (grew) {
      this.#flat = 0;
      this.#set(this.#limit * 2);
    } else if (++this.#flat >= FLAT_ROUNDS) {
      this.#starting = false;
    }
  }

  #set(limit: number): void {
    this.#limit = Math.min(this.#most, Math.max(this.#least, limit));
  }
}

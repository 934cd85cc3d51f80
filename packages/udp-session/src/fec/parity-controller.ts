/** How much parity may be spent. */
export interface ParityOptions {
  /** Least parity, as a share of the data, 0 to 0.9. Default 0. */
  readonly floor: number;
  /** Most parity, as a share of the data: the wire budget. 0 to 0.9, default 0.5. */
  readonly ceiling: number;
  /** The share of blocks that may stay broken at the loss that is measured. Default 1 in 10,000. */
  readonly residual: number;
}

/** A report of this many packets counts in full; one of fewer says less about the loss. */
const FULL_REPORT_PACKETS = 64;
/** How much of the way up a full report goes. At a report each 25 ms nine tenths of a step are taken in 100 ms. */
const UP = 0.5;
/** How long the way down takes, as the time constant. Parity that was needed a moment ago is likely needed again. */
const DOWN_MS = 5000;

/** Follows the tail of the measured loss: up with the next reports, down over seconds. */
export class ParityController {
  readonly #options: ParityOptions;
  #tail = 0;
  #burst = 1;
  #at: number | undefined;

  constructor(options: ParityOptions) {
    this.#options = options;
  }

  /** The loss that parity is sized for, 0 to 1. */
  get loss(): number {
    return this.#tail;
  }

  /** Mean number of packets that are lost in a row, at least 1. */
  get burst(): number {
    return this.#burst;
  }

  /**
   * What a report says: how many packets were decided, how many of them lost, in how many runs.
   * @param now ms.
   */
  report(packets: number, lost: number, bursts: number, now: number): void {
    const elapsed = now - (this.#at ?? now);
    this.#at = now;
    if (packets <= 0) return;
    const sample = Math.min(1, lost / packets);
    const weight = Math.min(1, packets / FULL_REPORT_PACKETS);
    if (sample > this.#tail) this.#tail += (sample - this.#tail) * UP * weight;
    else this.#tail += (sample - this.#tail) * (1 - Math.exp(-elapsed / DOWN_MS));
    if (bursts > 0) this.#burst += (Math.max(1, lost / bursts) - this.#burst) * Math.min(0.25, bursts / 16);
  }

  /** Parity shards for a block of `data` shards that is sent in turns with `depth - 1` others. */
  parityFor(data: number, depth: number): number {
    const { floor, ceiling, residual } = this.#options;
    const most = Math.min(255 - data, Math.floor(ceiling * data + 1e-9), 0.9 * data);
    const least = Math.max(0, Math.ceil(floor * data - 1e-9));
    if (this.#tail < 1e-4) return Math.min(least, 255 - data);
    // What is lost in a row counts as one loss of that many shards; turns with other blocks make the row shorter.
    const run = Math.max(1, this.#burst / depth);
    const wanted = Math.ceil(run * parityFor(data / run, this.#tail, residual));
    // A small block may always have one parity shard: a share of nothing protects nothing.
    return Math.min(Math.max(wanted, least), Math.max(ceiling > 0 ? 1 : 0, Math.floor(most)), 255 - data);
  }
}

/** The least parity with which a block of `data` shards stays broken at most with the probability `residual`. */
function parityFor(data: number, loss: number, residual: number): number {
  for (let parity = 0; parity < 255; parity++) {
    if (tail(data + parity, loss, parity) <= residual) return parity;
  }
  return 255;
}

/** The probability that more than `most` of `shards` are lost (binomial; `shards` need not be whole). */
function tail(shards: number, loss: number, most: number): number {
  if (loss >= 1) return 1;
  let term = (1 - loss) ** shards;
  let sum = term;
  for (let lost = 1; lost <= most; lost++) {
    term *= ((shards - lost + 1) / lost) * (loss / (1 - loss));
    sum += term;
  }
  return Math.max(0, 1 - sum);
}

/** How much parity may be spent. */
export interface ParityOptions {
  /** Least parity, as a share of the data, 0 to 0.9. Default 0. */
  readonly floor: number;
  /** Most parity, as a share of the data: the wire budget. 0 to 0.9, default 0.5. */
  readonly ceiling: number;
  /** The share of blocks that may stay broken at the loss that is measured. Default 1 in 10,000. */
  readonly residual: number;
}

/** The loss is measured over this long, and over this many packets at least: fewer say too little. */
const MEASURED_MS = 60;
const MEASURED_PACKETS = 200;
/** How many standard deviations of what was measured are added: the loss may be that much more. */
const MARGIN = 1;
/** Before anything is measured: what is feared, for a moment; and so many packets of which none was lost. */
const FIRST_LOSS = 0.03;
const FIRST_PACKETS = 32;
/** How long the way down takes, as the time constant. Parity that was needed a moment ago is likely needed again. */
const DOWN_MS = 5000;
/** The same for what was lost while a queue stood on the way: it overflows no more once the rate is right. */
const PASSING_DOWN_MS = 300;
/** A retransmission fails as often as one of so many: that much more may be left to each that fits before the deadline. */
const REPAIRED = 10;
/** Blocks that may be left to retransmission at most, whatever the deadline: each waits for a round trip. */
const MOST_RESIDUAL = 0.05;
/** Messages that are repeated may all get lost as often as this. */
const COPIES_RESIDUAL = 1e-3;
const MAX_COPIES = 3;
/** Less loss is none: messages are sent once, blocks without parity. */
const LEAST_LOSS = 1e-3;

/** Follows the tail of the measured loss: up with the next reports, down over seconds. */
export class ParityController {
  readonly #options: ParityOptions;
  /** What was lost lately; and what was while a queue stood on the way. */
  #usual = new RecentLoss();
  #overflow = new RecentLoss();
  /** The tail of the loss; and of one that is likely to be over soon. */
  #tail = 0;
  #passing = FIRST_LOSS;
  #queuedBefore = false;
  #burst = 1;
  #at: number | undefined;

  constructor(options: ParityOptions) {
    this.#options = options;
  }

  /** The loss that parity is sized for, 0 to 1. */
  get loss(): number {
    return Math.max(this.#tail, this.#passing);
  }

  /** What was lost had another cause than the path: all is as at the beginning. */
  forgive(): void {
    this.#usual = new RecentLoss();
    this.#overflow = new RecentLoss();
    this.#tail = 0;
    this.#passing = FIRST_LOSS;
    this.#burst = 1;
  }

  /** Mean number of packets that are lost in a row, at least 1. */
  get burst(): number {
    return this.#burst;
  }

  /** How often a small message is repeated ahead of any loss. */
  get copies(): number {
    const { loss } = this;
    if (this.#options.ceiling === 0 || loss < LEAST_LOSS) return 0;
    let copies = 1;
    while (copies < MAX_COPIES && loss ** (copies + 1) > COPIES_RESIDUAL) copies++;
    return copies;
  }

  /**
   * What a report says: how many packets were decided, how many of them lost, in how many runs. `lost` is less than 0 when packets
   * came that were taken for lost before.
   * @param queued Whether a queue stood on the way meanwhile.
   * @param now ms.
   */
  report(packets: number, lost: number, bursts: number, queued: boolean, now: number): void {
    const elapsed = now - (this.#at ?? now);
    this.#at = now;
    if (packets <= 0 && lost === 0) return;
    this.#passing *= Math.exp(-elapsed / PASSING_DOWN_MS);
    // What a queue dropped is known only when the queue is gone, perhaps.
    const passing = queued || this.#queuedBefore;
    const sample = (passing ? this.#overflow : this.#usual).add(packets, Math.min(lost, packets), elapsed);
    if (passing) this.#passing = Math.max(this.#passing, sample);
    else if (sample > this.#tail) this.#tail = sample;
    // The tail was never that high.
    else if (lost < 0) this.#tail = Math.max(sample, this.#tail + lost / this.#usual.packets);
    else this.#tail += (sample - this.#tail) * (1 - Math.exp(-elapsed / DOWN_MS));
    this.#queuedBefore = queued;
    if (bursts > 0) this.#burst += (Math.max(1, lost / bursts) - this.#burst) * Math.min(0.25, bursts / 16);
  }

  /**
   * Parity shards for a block of `data` shards that is sent in turns with `depth - 1` others.
   * @param repairs How many times what is missing can be asked for before the deadline: the more, the less parity.
   */
  parityFor(data: number, depth: number, repairs: number): number {
    const { floor, ceiling } = this.#options;
    const residual = Math.min(MOST_RESIDUAL, this.#options.residual * REPAIRED ** Math.max(0, repairs - 1));
    const most = Math.min(255 - data, Math.floor(ceiling * data + 1e-9), 0.9 * data);
    const least = Math.max(0, Math.ceil(floor * data - 1e-9));
    const { loss } = this;
    if (loss < LEAST_LOSS) return Math.min(least, 255 - data);
    // What is lost in a row counts as one loss of that many shards; turns with other blocks make the row shorter.
    const run = Math.max(1, this.#burst / depth);
    const wanted = Math.ceil(run * parityFor(data / run, loss, residual));
    // A small block may always have one parity shard: a share of nothing protects nothing.
    return Math.min(Math.max(wanted, least), Math.max(ceiling > 0 ? 1 : 0, Math.floor(most)), 255 - data);
  }
}

/** The share of packets that were lost lately. */
class RecentLoss {
  #packets = FIRST_PACKETS;
  #lost = 0;

  /** How many packets the measurement is of. */
  get packets(): number {
    return this.#packets;
  }

  /** Notes what was decided in the last `elapsedMs`; gives what may be lost. */
  add(packets: number, lost: number, elapsedMs: number): number {
    // What was measured longer ago fades, but as much stays as is needed to say anything.
    const kept = Math.max(Math.exp(-elapsedMs / MEASURED_MS), Math.min(1, 1 - packets / MEASURED_PACKETS));
    this.#packets = this.#packets * kept + packets;
    this.#lost = Math.max(0, this.#lost * kept + lost);
    const mean = this.#lost / this.#packets;
    return Math.min(1, mean + MARGIN * Math.sqrt((mean * (1 - mean)) / this.#packets));
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

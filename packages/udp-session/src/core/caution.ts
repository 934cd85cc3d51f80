/** Loss of more than this in a round ends an upward probe: random loss stays below it, a policer does not. */
const PROBE_LOSS = 0.2;
/** Fewer packets say nothing: a run of losses may fall into them. */
const LOSSY_PACKETS = 256;
/** How the rate falls with each round of much loss, down to what, and how it comes back. */
const LOSS_FACTOR = 0.8;
const LEAST_CAUTION = 0.25;
const CALM_FACTOR = 1.04;

/**
 * Lowers the rate while much is lost without a queue: what stands in the way drops rather than delays. Random loss stays below
 * what counts as much.
 */
export class Caution {
  #factor = 1;
  #packets = 0;
  #lost = 0;

  /** What the rate is multiplied by, 1 while little is lost. */
  get factor(): number {
    return this.#factor;
  }

  forget(): void {
    this.#factor = 1;
    this.#packets = 0;
    this.#lost = 0;
  }

  add(packets: number, lost: number): void {
    this.#packets += packets;
    this.#lost += lost;
  }

  /** Whether much is lost; asked at the end of each round, answered once enough packets are counted. */
  endRound(): boolean {
    if (this.#packets < LOSSY_PACKETS) {
      if (this.#lost === 0) this.#factor = Math.min(1, this.#factor * CALM_FACTOR);
      return false;
    }
    const lossy = this.#lost / this.#packets > PROBE_LOSS;
    this.#factor = lossy
      ? Math.max(LEAST_CAUTION, this.#factor * LOSS_FACTOR)
      : Math.min(1, this.#factor * CALM_FACTOR);
    this.#packets = 0;
    this.#lost = 0;
    return lossy;
  }
}

/**
 * What the drains of one batch may still take together. A drain reserves the most it could take, whether it runs in its
 * turn or at the end, and gives back what it did not use.
 */
export class DrainBudget {
  #left: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#left = maxBytes;
  }

  /** Bytes that can be reserved now. */
  get left(): number {
    return this.#left;
  }

  /** Bytes reserved and not given back. */
  get taken(): number {
    return this.#taken;
  }

  /** Reserves up to `bytes` and says how many it got. */
  reserve(bytes: number): number {
    const got = Math.min(bytes, this.#left);
    this.#left -= got;
    this.#taken += got;
    return got;
  }

  /** Returns reserved bytes that were not used. */
  giveBack(bytes: number): void {
    this.#left += bytes;
    this.#taken -= bytes;
  }
}

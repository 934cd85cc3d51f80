/** Part of a budget that only those with little of it may take: who comes after a few that took much finds something. */
const RESERVE_SHARE = 1 / 8;
/** What counts as little. */
const LITTLE_SHARE = 1 / 32;
/** Part of what others leave that one of several users of a budget may take. */
const USER_SHARE = 3 / 4;

/**
 * Bytes that many streams share beyond their floors. A node's is shared by its clients: each has a budget of its own
 * (`user`), which leaves some of what is there to the others, so that the stalled streams of one starve no other.
 */
export class Budget {
  readonly totalBytes: number;
  readonly #whole: Budget | undefined;
  #used = 0;
  #claims = 0;

  constructor(totalBytes: number, whole?: Budget) {
    this.totalBytes = totalBytes;
    this.#whole = whole;
  }

  /** The budget of one of several users of this one. */
  user(): Budget {
    return new Budget(this.totalBytes, this);
  }

  /** Streams that use much more than their floor: the budget is divided among them. */
  get claims(): number {
    return this.#whole?.claims ?? this.#claims;
  }

  /** So many more streams do so. */
  claim(by: number): void {
    this.#claims += by;
    this.#whole?.claim(by);
  }

  get usedBytes(): number {
    return this.#used;
  }

  get freeBytes(): number {
    if (this.#whole === undefined) return Math.max(0, this.totalBytes - this.#used);
    const left = this.totalBytes - (this.#whole.usedBytes - this.#used);
    return Math.max(0, Math.floor(left * USER_SHARE) - this.#used);
  }

  /** How much of what is free one may take that has `has` of the budget already. */
  freeFor(has: number): number {
    const free = this.freeBytes;
    const little = Math.min(free, this.totalBytes * LITTLE_SHARE - has);
    return Math.floor(Math.max(0, little, free - this.totalBytes * RESERVE_SHARE));
  }

  /** Records that a share changed from `before` to `after`. */
  change(before: number, after: number): void {
    this.#used += after - before;
    this.#whole?.change(before, after);
  }
}

interface Waiter<T> {
  resolve(item: T): void;
  reject(error: Error): void;
}

/** Things that happen in order, to be waited for by their number: nothing is missed, however late a test asks. */
export class Arrivals<T> {
  readonly #what: string;
  readonly #items: T[] = [];
  readonly #waiters = new Map<number, Waiter<T>[]>();
  #taken = 0;
  #ended = false;

  /** @param what Name of one thing, for the error of who waits in vain. */
  constructor(what: string) {
    this.#what = what;
  }

  /** All that came so far, in order. */
  get all(): readonly T[] {
    return this.#items;
  }

  /** Adds the next one. */
  push(item: T): void {
    const index = this.#items.push(item) - 1;
    for (const waiter of this.#waiters.get(index) ?? []) waiter.resolve(item);
    this.#waiters.delete(index);
  }

  /** The one with this number, from 0. Rejects if none can come any more. */
  at(index: number): Promise<T> {
    if (index < this.#items.length) return Promise.resolve(this.#items[index]!);
    const coming = new Promise<T>((resolve, reject) => {
      if (this.#ended) {
        reject(this.#never(index));
        return;
      }
      const waiters = this.#waiters.get(index) ?? [];
      waiters.push({ resolve, reject });
      this.#waiters.set(index, waiters);
    });
    // A test may have given up on it; that must not fail the run.
    coming.catch(() => {});
    return coming;
  }

  /** The next one that no call of `next` has returned. */
  next(): Promise<T> {
    const index = this.#taken;
    this.#taken += 1;
    return this.at(index);
  }

  /** Says that no more will come: whoever waits hears it as an error. */
  end(): void {
    this.#ended = true;
    for (const [index, waiters] of this.#waiters) {
      for (const waiter of waiters) waiter.reject(this.#never(index));
    }
    this.#waiters.clear();
  }

  #never(index: number): Error {
    return new Error(`${this.#what} ${index} never came: there were ${this.#items.length}`);
  }
}

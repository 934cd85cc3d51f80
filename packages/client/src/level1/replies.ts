/** Puts replies of pipelined ops back into the order of their `seq`. Bounded by the ops in flight. */
export class ReplyOrder<T> {
  readonly #early = new Map<number, T>();
  #next = 0;

  /** Takes the item of `seq`; returns the items whose turn it is now. */
  push(seq: number, item: T): T[] {
    this.#early.set(seq, item);
    const due: T[] = [];
    for (let found = this.#early.get(this.#next); found !== undefined; found = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      due.push(found);
    }
    return due;
  }
}

/** What happens when, on a virtual clock. Equal times keep their order. */
export class Clock {
  now = 0;
  #seq = 0;
  readonly #heap: Array<{ at: number; seq: number; run: () => void }> = [];

  get nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  get waiting(): number {
    return this.#heap.length;
  }

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at: this.now + delayMs, seq: this.#seq++, run });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (!this.#before(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** Runs the earliest entry; the caller has moved `now` there. */
  runNext(): void {
    const heap = this.#heap;
    const first = heap.at(0)!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      let parent = 0;
      for (;;) {
        let least = parent;
        for (const child of [2 * parent + 1, 2 * parent + 2]) {
          if (child < heap.length && this.#before(child, least)) least = child;
        }
        if (least === parent) break;
        this.#swap(parent, least);
        parent = least;
      }
    }
    first.run();
  }

  #before(left: number, right: number): boolean {
    const a = this.#heap.at(left)!;
    const b = this.#heap.at(right)!;
    return a.at < b.at || (a.at === b.at && a.seq < b.seq);
  }

  #swap(left: number, right: number): void {
    const kept = this.#heap.at(left)!;
    this.#heap[left] = this.#heap.at(right)!;
    this.#heap[right] = kept;
  }
}

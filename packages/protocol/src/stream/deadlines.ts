/** Deadlines by key, with the earliest at hand. Times are ms on the caller's clock. */
export class Deadlines<K> {
  readonly #byKey = new Map<K, number>();
  #earliest: number | undefined;
  #stale = false;

  get count(): number {
    return this.#byKey.size;
  }

  has(key: K): boolean {
    return this.#byKey.has(key);
  }

  set(key: K, at: number): void {
    this.delete(key);
    this.#byKey.set(key, at);
    if (!this.#stale && (this.#earliest === undefined || at < this.#earliest)) this.#earliest = at;
  }

  delete(key: K): void {
    const at = this.#byKey.get(key);
    if (at === undefined) return;
    this.#byKey.delete(key);
    if (at === this.#earliest) this.#stale = true;
  }

  clear(): void {
    this.#byKey.clear();
    this.#earliest = undefined;
    this.#stale = false;
  }

  /** The earliest deadline. */
  get earliest(): number | undefined {
    if (this.#stale) {
      this.#earliest = undefined;
      for (const at of this.#byKey.values()) {
        if (this.#earliest === undefined || at < this.#earliest) this.#earliest = at;
      }
      this.#stale = false;
    }
    return this.#earliest;
  }

  /** Takes all keys whose deadline is reached. */
  takeDue(now: number): K[] {
    const { earliest } = this;
    if (earliest === undefined || earliest > now) return [];
    const due = [...this.#byKey].filter(([, at]) => at <= now).map(([key]) => key);
    for (const key of due) this.delete(key);
    return due;
  }
}

import { NodeError } from '../errors.js';

/** Who wants to know that a stream or flow has something new. Each watcher is called at every push, in no order. */
export class Watchers {
  readonly #maxWatchers: number;
  readonly #watchers = new Set<() => void>();

  constructor(maxWatchers: number) {
    this.#maxWatchers = maxWatchers;
  }

  /**
   * Adds a watcher; the same function counts once. Returns how to take it back.
   * @throws NodeError `QUEUE_FULL` when too many batches wait for the same stream.
   */
  add(watcher: () => void): () => void {
    if (this.#watchers.size >= this.#maxWatchers && !this.#watchers.has(watcher)) {
      throw new NodeError('QUEUE_FULL', `more than ${this.#maxWatchers} batches wait for this stream`);
    }
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Calls them all. A watcher that leaves while this runs is not called any more. */
  wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

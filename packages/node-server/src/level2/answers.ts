/**
 * Bytes of answers that have not left yet. A relay that does not read its answers keeps them in memory here, so no more are
 * made while there are too many: what they would carry stays with the engine, where it is counted already.
 */
export class Answers {
  readonly #maxBytes: number;
  readonly #waiting = new Set<() => void>();
  #bytes = 0;

  /** `maxBytes`: of all clients together. One that has none under way gets one also beyond it, up to twice as much. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a client with `own` bytes under way may be given another answer. */
  admits(own: number): boolean {
    return this.#bytes < (own === 0 ? 2 * this.#maxBytes : this.#maxBytes);
  }

  /** An answer was made. */
  take(bytes: number): void {
    this.#bytes += bytes;
  }

  /** An answer has left, or was lost. Whoever waits is called. */
  give(bytes: number): void {
    this.#bytes -= bytes;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls `wake` once when one has left. The same function is kept once. */
  whenLeft(wake: () => void): void {
    this.#waiting.add(wake);
  }

  /** Forgets who waits. */
  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}

/**
 * The sum of what all streams hold, against `maxBufferedBytes`. It only counts; who holds bytes asks {@link full} before
 * reading on, and is called when there is room again.
 */
export class BytePool {
  readonly maxBytes: number;
  #used = 0;
  #waiting = new Set<() => void>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes held now. */
  get used(): number {
    return this.#used;
  }

  /** Nothing more should be read, except by those below their floor. */
  get full(): boolean {
    return this.#used >= this.maxBytes;
  }

  /** Counts bytes in. Never refuses: they are in memory already. */
  take(bytes: number): void {
    this.#used += bytes;
  }

  /** Counts bytes out, and wakes those who wait once there is room. */
  give(bytes: number): void {
    this.#used -= bytes;
    if (this.full || this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls `wake` once, when there is room. The same function is kept once. Returns how to take it back. */
  whenRoom(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

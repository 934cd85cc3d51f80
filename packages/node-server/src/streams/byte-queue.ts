import { NODE_LIMITS } from '../limits.js';

/**
 * Bytes in order: chunks go in, any number of bytes comes out. Small chunks are copied together, so that a sender of
 * single bytes costs bytes and not objects. Bounding is the caller's part; `length` tells.
 */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;
  /** The block that small chunks are copied into, how much of it is used, and whether the last chunk ends there. */
  #slab: Buffer | undefined;
  #slabUsed = 0;
  #lastInSlab = false;

  /** Bytes inside. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes at the end. A chunk is kept, not copied, unless it is small. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#length += chunk.length;
    if (chunk.length >= NODE_LIMITS.smallChunkBytes) {
      this.#chunks.push(chunk);
      this.#lastInSlab = false;
      return;
    }
    this.#pushSmall(chunk);
  }

  /** Removes up to `maxBytes` from the front. */
  take(maxBytes: number): Buffer {
    const wanted = Math.min(maxBytes, this.#length);
    if (wanted <= 0) return Buffer.alloc(0);
    const taken: Buffer[] = [];
    let missing = wanted;
    let index = 0;
    while (missing > 0) {
      const chunk = this.#chunks[index]!;
      if (chunk.length > missing) {
        taken.push(chunk.subarray(0, missing));
        this.#chunks[index] = chunk.subarray(missing);
        missing = 0;
      } else {
        taken.push(chunk);
        missing -= chunk.length;
        index++;
      }
    }
    this.#chunks = this.#chunks.slice(index);
    this.#length -= wanted;
    if (this.#length === 0) this.clear();
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken, wanted);
  }

  /** Forgets everything and says how many bytes that were. */
  clear(): number {
    const length = this.#length;
    this.#chunks = [];
    this.#slab = undefined;
    this.#lastInSlab = false;
    this.#length = 0;
    return length;
  }

  #pushSmall(chunk: Buffer): void {
    if (this.#slab === undefined || this.#slab.length - this.#slabUsed < chunk.length) {
      this.#slab = Buffer.allocUnsafeSlow(NODE_LIMITS.slabBytes);
      this.#slabUsed = 0;
      this.#lastInSlab = false;
    }
    chunk.copy(this.#slab, this.#slabUsed);
    // Bytes already handed out lie before these in the block and are never written again.
    const last = this.#lastInSlab ? this.#chunks.pop()! : undefined;
    const start = this.#slabUsed - (last?.length ?? 0);
    this.#slabUsed += chunk.length;
    this.#chunks.push(this.#slab.subarray(start, this.#slabUsed));
    this.#lastInSlab = true;
  }
}

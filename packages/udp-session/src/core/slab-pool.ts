/** Slabs come in sizes of four steps an octave, so that at most a fifth of one is unused, from this size on. */
const LEAST_BYTES = 4096;

/** Memory that frames are put together in, used again and again, and bounded. */
export class SlabPool {
  readonly #maxBytes: number;
  readonly #free = new Map<number, Uint8Array[]>();
  #used = 0;
  #kept = 0;

  /** @param maxBytes Most bytes in use and kept for later together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are in use or kept. */
  get heldBytes(): number {
    return this.#used + this.#kept;
  }

  /** Whether `bytes` are within the bound while nothing else is in use. */
  fits(bytes: number): boolean {
    return slabBytes(bytes) <= this.#maxBytes;
  }

  /** Whether `take` would give a slab once `given` bytes of those in use were given back. */
  hasRoom(bytes: number, given: number): boolean {
    return this.#used - given + slabBytes(bytes) <= this.#maxBytes;
  }

  /** A slab of at least `bytes`, or undefined when that would go past the bound. What is in it is left from before. */
  take(bytes: number): Uint8Array | undefined {
    const size = slabBytes(bytes);
    if (this.#used + size > this.#maxBytes) return undefined;
    const slab = this.#free.get(size)?.pop();
    if (slab !== undefined) {
      this.#kept -= size;
    } else {
      this.#forget(this.#used + this.#kept + size - this.#maxBytes);
    }
    this.#used += size;
    return slab ?? new Uint8Array(size);
  }

  /** Gives a slab back; whoever gave it out makes sure that this happens once. */
  give(slab: Uint8Array): void {
    this.#used -= slab.length;
    this.#kept += slab.length;
    const free = this.#free.get(slab.length);
    if (free === undefined) this.#free.set(slab.length, [slab]);
    else free.push(slab);
  }

  #forget(bytes: number): void {
    let left = bytes;
    for (const [size, slabs] of this.#free) {
      while (left > 0 && slabs.length > 0) {
        slabs.pop();
        this.#kept -= size;
        left -= size;
      }
      if (slabs.length === 0) this.#free.delete(size);
      if (left <= 0) return;
    }
  }
}

/** The size of the slab that is given out for `bytes`. */
function slabBytes(bytes: number): number {
  if (bytes <= LEAST_BYTES) return LEAST_BYTES;
  const step = 2 ** Math.floor(Math.log2(bytes)) / 4;
  return Math.ceil(bytes / step) * step;
}

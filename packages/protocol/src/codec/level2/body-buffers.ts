/** Smaller bodies get new memory: the allocator is quick at that. */
const LEAST_BYTES = 65_536;

/**
 * Memory for bodies, used again: the one given back last first, since it is still in the processor's caches. A large body comes every few milliseconds, and new memory for each keeps system and collector busier than all the rest.
 */
export class BodyBuffers {
  readonly #maxBytes: number;
  readonly #spare: ArrayBufferLike[] = [];
  #bytes = 0;

  /** `maxBytes`: kept for later. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes kept for later. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of exactly `bytes` bytes, of any content. What is used again is at most twice as large. */
  readonly take = (bytes: number): Uint8Array => {
    if (bytes < LEAST_BYTES) return new Uint8Array(bytes);
    const at = this.#spare.findLastIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes);
    if (at < 0) return new Uint8Array(bytes);
    const [buffer] = this.#spare.splice(at, 1);
    this.#bytes -= buffer!.byteLength;
    return new Uint8Array(buffer!, 0, bytes);
  };

  /** Nobody uses it any more. Takes what came from {@link take}. */
  give({ buffer }: Uint8Array): void {
    const { byteLength } = buffer;
    if (byteLength < LEAST_BYTES || byteLength > this.#maxBytes) return;
    this.#spare.push(buffer);
    this.#bytes += byteLength;
    while (this.#bytes > this.#maxBytes) this.#bytes -= this.#spare.shift()!.byteLength;
  }
}

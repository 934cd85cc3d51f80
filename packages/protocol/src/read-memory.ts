import { freeMemory } from './free-memory.js';

/** What of a socket is used here: its reading side, a stream of bytes. */
export interface ReadSide {
  /** Takes bytes in as if they had been read. False: enough for now. */
  push(bytes: Uint8Array): boolean;
}

/** How a socket reads into memory of ours: `onread` of `net.connect`. */
export interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

/** Options of {@link ReadMemory}. */
export interface ReadMemoryOptions {
  /** Gives memory of exactly so many bytes, of any content. */
  readonly allocate: (bytes: number) => Uint8Array;
  /** Most that one read brings, and so the size of each piece of memory that is used again. Default 65,536. */
  readonly readBytes?: number;
  /**
   * Reads that bring less get memory of their own, of exactly their size. Default 15/16 of `readBytes`, so that what is held
   * may be counted by its bytes; less only for who uses a chunk up at once.
   */
  readonly leastBytes?: number;
  /** Memory kept for later, bytes. Default 4 MiB. */
  readonly maxSpareBytes?: number;
}

/**
 * Memory that sockets are read into, used again. The runtime takes new memory for each read, which keeps the collector
 * busier than all else once bytes are many: it counts against the heap, and so the whole of that is walked through time and
 * again. Here all sockets read into one piece; what came is copied out of it, into memory that whoever used it up gives
 * back. What is not given back is garbage, as ever.
 */
export class ReadMemory {
  readonly #allocate: (bytes: number) => Uint8Array;
  readonly #leastBytes: number;
  readonly #maxSpare: number;
  readonly #landing: Uint8Array;
  /** The one given back last is used first: it is still in the processor's caches. */
  readonly #spare: Uint8Array[] = [];
  /** How many bytes of which memory stand in a chunk. */
  readonly #lent = new WeakMap<ArrayBufferLike, number>();

  constructor({
    allocate,
    readBytes = 65_536,
    leastBytes = (readBytes / 16) * 15,
    maxSpareBytes = 4_194_304,
  }: ReadMemoryOptions) {
    this.#allocate = allocate;
    this.#leastBytes = leastBytes;
    this.#maxSpare = Math.floor(maxSpareBytes / readBytes);
    this.#landing = allocate(readBytes);
  }

  /** `onread` of a socket that is about to be dialled: it behaves as any other, and its chunks may be given back. */
  onread(socket: () => ReadSide): OnRead {
    return {
      buffer: this.#landing,
      callback: (bytes) => socket().push(this.#copy(bytes)),
    };
  }

  /**
   * Nobody uses a chunk any more. What is only a part of one is ignored, since somebody else may have the other part; so
   * is what came from elsewhere, and what was given before.
   */
  readonly give = (chunk: Uint8Array): void => {
    const { buffer } = chunk;
    if (this.#lent.get(buffer) !== chunk.length) return;
    this.#lent.delete(buffer);
    const memory = new Uint8Array(buffer);
    if (this.#spare.length < this.#maxSpare) this.#spare.push(memory);
    else freeMemory(memory);
  };

  #copy(bytes: number): Uint8Array {
    const chunk = bytes < this.#leastBytes ? this.#allocate(bytes) : this.#take(bytes);
    chunk.set(this.#landing.subarray(0, bytes));
    return chunk;
  }

  #take(bytes: number): Uint8Array {
    const memory = this.#spare.pop() ?? this.#allocate(this.#landing.length);
    this.#lent.set(memory.buffer, bytes);
    return memory.subarray(0, bytes);
  }
}

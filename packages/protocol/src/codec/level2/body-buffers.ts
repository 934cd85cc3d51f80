import { freeMemory } from '../../free-memory.js';

/** Smaller bodies get new memory: the allocator is quick at that. */
const LEAST_BYTES = 65_536;

/** Bodies below this size are not lent out: what the engine keeps of them may be views, while it copies parts of larger ones. */
const LEAST_LENT_BYTES = 262_144;

/** Memory of which views are about. */
interface Loan {
  readonly owner: BodyBuffers;
  views: number;
}

const loans = new WeakMap<ArrayBufferLike, Loan>();

/** Somebody keeps a view of memory that was lent out; of other memory, nothing happens. */
export function holdView({ buffer }: Uint8Array): void {
  const loan = loans.get(buffer);
  if (loan !== undefined) loan.views++;
}

/** A view that was held is not used any more. With the last one, the memory goes back to where it came from. */
export function dropView(view: Uint8Array): void {
  const loan = loans.get(view.buffer);
  if (loan === undefined || --loan.views > 0) return;
  loans.delete(view.buffer);
  loan.owner.give(view);
}

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

  /**
   * Views of it are about to be handed on. The caller's own counts as one: it is given back once that and all that were
   * held are dropped. What somebody never drops is garbage, as ever.
   */
  lend(memory: Uint8Array): void {
    if (memory.buffer.byteLength >= LEAST_LENT_BYTES) loans.set(memory.buffer, { owner: this, views: 1 });
  }

  /** Nobody uses it any more. Takes what came from {@link take}. What is too much is freed. */
  give({ buffer }: Uint8Array): void {
    const { byteLength } = buffer;
    if (byteLength < LEAST_BYTES) return;
    if (byteLength > this.#maxBytes) return freeMemory(new Uint8Array(buffer));
    this.#spare.push(buffer);
    this.#bytes += byteLength;
    while (this.#bytes > this.#maxBytes) {
      const dropped = this.#spare.shift()!;
      this.#bytes -= dropped.byteLength;
      freeMemory(new Uint8Array(dropped));
    }
  }
}

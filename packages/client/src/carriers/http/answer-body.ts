/**
 * The body of one answer, as it comes. Where its length is told, pieces go straight to their place: they are garbage at once
 * then, which spares the collector much.
 */
import { answerMemory } from './read-memory.js';

/** A piece has to be at least this share of the memory below it, or it is copied: only its bytes are counted. */
const KEPT_SHARE = 15 / 16;

export class AnswerBody {
  readonly #chunks: Uint8Array[] = [];
  readonly #maxBytes: number;
  readonly #admits: (bytes: number) => boolean;
  readonly #memory: (bytes: number) => Uint8Array;
  #told = 0;
  #whole: Uint8Array | undefined;
  #bytes = 0;

  /** `admits` is asked before memory is taken, for what was told or for each piece; `memory` gives it for what was told. */
  constructor(
    maxBytes: number,
    admits: (bytes: number) => boolean = () => true,
    memory: (bytes: number) => Uint8Array = (bytes) => Buffer.allocUnsafeSlow(bytes),
  ) {
    this.#maxBytes = maxBytes;
    this.#admits = admits;
    this.#memory = memory;
  }

  /** How long it will be, as far as its head says. */
  expect(contentLength: string | string[] | undefined): void {
    if (typeof contentLength === 'string') this.#told = Number(contentLength);
  }

  /** Takes a piece. False: it is too large. */
  add(chunk: Uint8Array): boolean {
    const end = this.#bytes + chunk.byteLength;
    if (end > this.#maxBytes) return false;
    if (this.#bytes === 0 && this.#told >= end && this.#told <= this.#maxBytes) {
      if (!this.#admits(this.#told)) return false;
      this.#whole = this.#memory(this.#told);
    }
    if (this.#whole === undefined) {
      if (!this.#admits(chunk.byteLength)) return false;
      this.#chunks.push(kept(chunk));
    } else {
      if (end > this.#whole.byteLength) return false;
      this.#whole.set(chunk, this.#bytes);
      answerMemory.give(chunk);
    }
    this.#bytes = end;
    return true;
  }

  /** What came, as one. */
  join(): Uint8Array {
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.#bytes);
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bytes);
  }
}

function kept(chunk: Uint8Array): Uint8Array {
  if (chunk.byteLength >= chunk.buffer.byteLength * KEPT_SHARE) return chunk;
  // Not `slice`, which copies nothing of a Buffer.
  const copy = new Uint8Array(chunk);
  answerMemory.give(chunk);
  return copy;
}

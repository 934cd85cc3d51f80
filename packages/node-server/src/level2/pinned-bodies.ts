import { dropView, holdView } from '@millrace/protocol/level2';
import { PIECE_BYTES, SMALL_PIECE_BYTES } from './memory.js';

/**
 * Bytes to a target are handed to its socket as views of the request that brought them. What the system does not take at
 * once keeps the whole request in memory. This counts such bytes; beyond the bound pieces are small, and copied first.
 */
export class PinnedBodies {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that sockets keep now. At most the bound and one batch, and a small piece for each stream. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The bound is reached. */
  get full(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  /** How much to hand to a socket at once. */
  get pieceBytes(): number {
    return this.full ? SMALL_PIECE_BYTES : PIECE_BYTES;
  }

  /** `view` itself where its buffer may be kept, else a copy. */
  fit(view: Uint8Array): Uint8Array {
    const { byteLength } = view.buffer;
    return byteLength <= 2 * view.length || this.#bytes + byteLength <= this.#maxBytes ? view : view.slice();
  }

  /** A socket keeps `view`. */
  pin(view: Uint8Array): void {
    this.#bytes += view.buffer.byteLength;
    holdView(view);
  }

  /** It does not any more. */
  unpin(view: Uint8Array): void {
    this.#bytes -= view.buffer.byteLength;
    dropView(view);
  }
}

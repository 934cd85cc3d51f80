import { dropView } from '@millrace/protocol/level2';
import type { NodeEngine } from '@millrace/protocol/stream';

/**
 * Requests of which engines may have views: of each client the last one. Their memory is used again once the engine has
 * copied what nobody took of it, which it need not do before the client's next request, unless there are too many.
 */
export class ViewedBodies {
  readonly #maxBytes: number;
  /** The one that came first at the front. */
  readonly #bodies = new Map<NodeEngine, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory held. At most the bound. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The engine is about to take a request that lies in `memory`. */
  next(engine: NodeEngine, memory: Uint8Array): void {
    this.forget(engine);
    this.#bodies.set(engine, memory);
    this.#bytes += memory.buffer.byteLength;
  }

  /** Keeps the bound: to be called when the engine has taken it, and others what they could. */
  trim(): void {
    for (const engine of this.#bodies.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.forget(engine);
    }
  }

  /** The engine has no views any more. */
  forget(engine: NodeEngine): void {
    engine.settle();
    const memory = this.#bodies.get(engine);
    if (memory === undefined) return;
    this.#bodies.delete(engine);
    this.#bytes -= memory.buffer.byteLength;
    dropView(memory);
  }
}

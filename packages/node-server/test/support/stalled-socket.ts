import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * A connection to a target that is only memory, with the streams of a real socket: the target takes not a byte, and sends as
 * much as is read.
 */
export class StalledSocket extends Duplex {
  readonly #chunkBytes: number;

  /** Connects in the next turn. Sends chunks of `chunkBytes` for as long as they are read; none with 0. */
  constructor(chunkBytes: number) {
    super({ allowHalfOpen: true, readableHighWaterMark: 4_096 });
    this.#chunkBytes = chunkBytes;
    setImmediate(() => this.emit('connect'));
  }

  asSocket(): Socket {
    return this as unknown as Socket;
  }

  override _read(): void {
    if (this.#chunkBytes > 0) setImmediate(() => this.push(Buffer.allocUnsafeSlow(this.#chunkBytes)));
  }

  override _write(): void {
    // Never taken.
  }

  resetAndDestroy(): void {
    this.destroy();
  }
}

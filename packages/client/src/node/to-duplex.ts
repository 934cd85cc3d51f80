/** A tunnel stream as a Node stream. */
import { Duplex } from 'node:stream';
import type { TunnelStream } from '../tunnel/types.js';

/**
 * Wraps a stream as a Duplex with half-close: `end()` ends the way to the target and leaves the way back open, the end of the
 * target ends reading alone. `destroy()` before both ends resets the stream; a stream that is cut destroys the Duplex
 * with its `TunnelError`. The stream's own `readable` and `writable` belong to the Duplex from here on.
 */
export function toDuplex(stream: TunnelStream): Duplex {
  const reader = stream.readable.getReader();
  const writer = stream.writable.getWriter();
  // What these report comes back from reads and writes as well.
  reader.closed.catch(() => {});
  writer.closed.catch(() => {});
  writer.ready.catch(() => {});
  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      reader.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, callback) {
      writer.write(chunk).then(() => callback(), callback);
    },
    final(callback) {
      writer.close().then(() => callback(), callback);
    },
    destroy(error, callback) {
      stream.reset();
      callback(error);
    },
  });
  // Reads and writes hear of a cut by themselves, reads only after what came before it. Nobody reads after the end.
  stream.closed.catch((error: Error) => {
    if (duplex.readableEnded) duplex.destroy(error);
  });
  return duplex;
}

import type { Socket } from 'node:net';

/**
 * Tells on a socket's `end` whether it was a reset in truth.
 *
 * libuv reports a reset that arrives together with the last bytes as an end (the short cut for POLLHUP in its
 * `uv__stream_io`), and a stream that was cut would look complete. A connection that was reset has no peer address any more; one
 * that was ended has, unless this side had ended before.
 *
 * @param socket its `remoteAddress` must not have been asked for before: Node remembers the answer.
 */
export function endedByReset(socket: Socket): boolean {
  return !socket.destroyed && !socket.writableEnded && socket.remoteAddress === undefined;
}

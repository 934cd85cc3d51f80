import type { Socket } from 'node:net';

/**
 * Calls `end` when the target has really ended its side. To be called at the socket's 'end': where bytes and a reset come in
 * together the platform says it of the reset too. A write tells them apart, since only a connection that was reset refuses
 * it; an empty one sends nothing. `backlog`: whether bytes are on their way, which fail by themselves.
 */
export function confirmEnd(socket: Socket, backlog: () => boolean, end: () => void): void {
  // A write that is under way fails in the same turn of the event loop.
  setImmediate(() => {
    if (socket.destroyed) return;
    if (backlog()) end();
    else socket.write(EMPTY, (error) => (error ? undefined : end()));
  });
}

/**
 * Cuts a connection. Not a plain destroy: it would send what the system still has and then a clean end, after which the
 * target takes half an upload for a whole one.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // After the end of this side nothing is left to be reset; and while that end is on its way the system refuses to, upon
  // which Node would never close the socket.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

const EMPTY = Buffer.alloc(0);

import type { Socket } from 'node:net';

/**
 * Resets a connection. While an end is still on its way the platform refuses a reset, and the socket would never close:
 * then it is just let go.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

import type { Inlet } from './inlet.js';
import { reset } from './reset.js';

/**
 * Says a last thing to an application that was turned away, and ends the socket. What still comes is read and thrown
 * away: closing over unread bytes would reset the connection and lose the answer on its way.
 *
 * @param lingerMs how long the application may take to leave before it is reset.
 */
export function farewell(inlet: Inlet, answer: Uint8Array | string, lingerMs: number): void {
  const { socket } = inlet;
  if (socket.destroyed) return;
  inlet.discard();
  socket.end(answer);
  const timer = setTimeout(() => reset(socket), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}

import type { Socket } from 'node:dgram';
import { NODE_LIMITS } from '../limits.js';

/** Asks the system for room for a burst of datagrams that are not read yet. The socket is bound, or about to be. */
export function widenReceiveRoom(socket: Socket): void {
  socket.once('listening', () => {
    try {
      socket.setRecvBufferSize(NODE_LIMITS.udpReceiveBytes);
    } catch {
      // A system that refuses as much still works, with its usual room.
    }
  });
}

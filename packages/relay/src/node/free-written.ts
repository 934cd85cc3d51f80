import type { Writable } from 'node:stream';
import { freeMemory } from '@millrace/protocol';

/**
 * Frees every chunk of bytes that is written to a socket, once the system has it: a request's body comes in memory that was
 * made for each read, and is on its way to the node the moment it came. For sockets of a client that does not tell when a chunk
 * has left. What is written must not be used afterwards, nor be a part of something else; small chunks stay as they are.
 */
export function freeWritten(socket: Writable): void {
  const write = socket.write.bind(socket) as (chunk: unknown, ...more: unknown[]) => boolean;
  socket.write = (chunk: unknown, ...more: unknown[]): boolean => {
    if (!(chunk instanceof Uint8Array) || more.length > 0) return write(chunk, ...more);
    return write(chunk, (error?: Error | null) => {
      // What could not be written may still be with the system.
      if (!error) freeMemory(chunk);
    });
  };
}

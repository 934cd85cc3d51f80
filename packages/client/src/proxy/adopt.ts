import { Socket } from 'node:net';
import { ReadMemory } from '@millrace/protocol';
import { PROXY_LIMITS } from './limits.js';

/** What applications' sockets are read into; whoever has used a chunk up gives it back. */
export const uploadMemory = new ReadMemory({
  allocate: (bytes) => Buffer.allocUnsafeSlow(bytes),
  readBytes: PROXY_LIMITS.readBytes,
  maxSpareBytes: PROXY_LIMITS.maxSpareReadBytes,
});

/**
 * An accepted connection that is read into {@link uploadMemory}. Servers make their sockets themselves and ask nobody how
 * to read them, so the connection gets a second one; nothing may have been read, nor may anybody listen to the first one. The
 * platform's handle has no public name: where it is not found, the first one is used as it is.
 */
export function adopt(accepted: Socket): Socket {
  const holder = accepted as Socket & { _handle?: object | null };
  const { _handle: handle } = holder;
  if (typeof handle !== 'object' || handle === null) return accepted;
  holder._handle = null;
  const options = { handle, allowHalfOpen: true, onread: uploadMemory.onread(() => socket) };
  const socket: Socket = new Socket(options);
  // The server counts the first one.
  socket.once('close', () => accepted.destroy());
  return socket;
}

import type { AddressInfo, Server, Socket } from 'node:net';
import { parseHostPort } from '@millrace/protocol';
import { listenError } from './egress/platform-errors.js';

/** A listener that is up. */
export interface Listener {
  /** Where to reach it on this machine: loopback for "all addresses". */
  readonly address: string;
  readonly port: number;
  /** Ends every connection at once and resolves when all of them, and the listener, are gone. */
  readonly close: () => Promise<void>;
}

/**
 * Binds a server to `HOST:PORT`.
 * @throws NodeError `ADDRESS_IN_USE`, `ADDRESS_UNAVAILABLE`.
 */
export function listenOn(server: Server, listen: string): Promise<Listener> {
  const { host, port } = parseHostPort(listen);
  // The server's own list misses connections whose TLS handshake is under way.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, listen));
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      const bound = server.address() as AddressInfo;
      resolve({
        address: reachable(bound.address),
        port: bound.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}

function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatHostPort } from '@millrace/protocol';

/** An HTTP server of a test, on a loopback port that the system picks unless another address was asked for. */
export interface LocalServer {
  readonly server: Server;
  /** `http://HOST:PORT`, without a path. */
  readonly origin: string;
  /** Cuts all connections; resolves when every socket is gone. */
  close(): Promise<void>;
}

/** Starts a {@link LocalServer}. Connections are kept alive until it closes, however long a test takes. */
export async function listenLocally(
  listener: RequestListener,
  { host, port }: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
): Promise<LocalServer> {
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, noDelay: true }, listener);
  server.listen(port, host);
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  let closing: Promise<unknown> | undefined;
  return {
    server,
    origin: `http://${formatHostPort(bound.address, bound.port)}`,
    async close() {
      if (closing === undefined) {
        closing = once(server, 'close');
        server.close();
        server.closeAllConnections();
      }
      await closing;
    },
  };
}

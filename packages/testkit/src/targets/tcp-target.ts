import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Arrivals } from '../arrivals.js';
import { formatAddress } from './address.js';
import { behave } from './behaviours.js';
import { Connection } from './connection.js';
import type { TargetConnection, TcpTarget, TcpTargetOptions } from './types.js';

/** Starts a TCP target. `allowHalfOpen` and `setNoDelay` hold on every connection. */
export async function startTcpTarget(options: TcpTargetOptions, host: string): Promise<TcpTarget> {
  const arrivals = new Arrivals<TargetConnection>('connection');
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: options.kind === 'silent' });
  server.on('connection', (socket) => {
    const connection = new Connection(socket);
    behave(options, connection);
    arrivals.push(connection);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    address: formatAddress(host, port),
    get connections() {
      return arrivals.all;
    },
    connection: (index) => arrivals.at(index),
    next: () => arrivals.next(),
    async close() {
      arrivals.end();
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const { socket } of arrivals.all) socket.destroy();
      await closed;
    },
  };
}

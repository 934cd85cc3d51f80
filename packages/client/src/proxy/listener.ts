import { lookup } from 'node:dns/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { formatHostPort, parseHostPort } from '@millrace/protocol';
import { TunnelError } from '../errors.js';
import type { ProxyContext } from './context.js';
import { reset } from './reset.js';

/** A running listener. */
export interface ProxyListener {
  /** The real address, `HOST:PORT`. */
  readonly address: string;
  /** Stops listening and resets every socket. Resolves when all of them are gone and every stream was let go. */
  close(): Promise<void>;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address is this machine's own, reachable from nowhere else. */
export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * Binds a server and keeps account of its sockets.
 *
 * @param serve runs for each socket; the listener's close waits for it. Must not reject.
 * @param own gives the socket to be used for one that was accepted. Default: that one.
 * @throws TunnelError CONFIG_INVALID, PROXY_OPEN, ADDRESS_IN_USE, ADDRESS_UNAVAILABLE
 */
export async function openListener(
  server: Server,
  context: ProxyContext,
  serve: (socket: Socket) => Promise<void> | void,
  own: (accepted: Socket) => Socket = (accepted) => accepted,
): Promise<ProxyListener> {
  const { listen, auth, maxSockets } = context.options;
  const { host, port } = parseListen(listen);
  const address = await resolveHost(host, listen);
  if (!isLoopback(address) && auth === undefined) {
    throw new TunnelError('PROXY_OPEN', `${listen} can be reached from elsewhere: that needs a user and a password`);
  }

  const sockets = new Set<Socket>();
  const running = new Set<Promise<void>>();
  server.maxConnections = maxSockets;
  server.on('drop', () => context.refuse('QUEUE_FULL', `${listen} has ${maxSockets} sockets open already`));
  server.on('connection', (accepted: Socket) => {
    const socket = own(accepted);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Listeners of their own come and go; this one keeps a late error from ending the process.
    socket.on('error', ignore);
    socket.setNoDelay(true);
    const done = Promise.resolve(serve(socket)).finally(() => running.delete(done));
    running.add(done);
  });
  await bind(server, address, port, listen);

  const closeAll = async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    // A reset, not an end: what was cut must not look complete.
    for (const socket of sockets) reset(socket);
    for (const close of context.closers) close();
    await closed;
    await Promise.all(running);
  };
  let closing: Promise<void> | undefined;
  const bound = server.address() as AddressInfo;
  return {
    address: formatHostPort(bound.address, bound.port),
    close: () => (closing ??= closeAll()),
  };
}

function parseListen(listen: string): { host: string; port: number } {
  try {
    return parseHostPort(listen);
  } catch (error) {
    throw new TunnelError('CONFIG_INVALID', (error as Error).message, { cause: error });
  }
}

/** The address is looked at before it is bound: a name may point anywhere. */
async function resolveHost(host: string, listen: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new TunnelError('ADDRESS_UNAVAILABLE', `${listen}: the name ${host} does not resolve here`, { cause: error });
  }
}

async function bind(server: Server, host: string, port: number, listen: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(new TunnelError('ADDRESS_IN_USE', `${listen} is already in use`, { cause: error }));
      } else {
        reject(new TunnelError('ADDRESS_UNAVAILABLE', `cannot listen on ${listen}: ${error.code}`, { cause: error }));
      }
    });
    server.listen({ host, port, ipv6Only: isIPv6(host) && host !== '::' }, () => resolve());
  });
  server.removeAllListeners('error');
  server.on('error', ignore);
}

function ignore(): void {}

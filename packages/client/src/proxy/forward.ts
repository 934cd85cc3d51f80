import { createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tunnel } from '../tunnel/types.js';
import { adopt } from './adopt.js';
import { createContext } from './context.js';
import { Inlet } from './inlet.js';
import type { ProxyListener } from './listener.js';
import { openListener } from './listener.js';
import { openAndPump } from './open-reply.js';
import type { ForwardOptions } from './options.js';
import { resolveForwardOptions } from './options.js';

/**
 * Carries every connection to a local port to one target.
 *
 * What the application has sent by the time it is accepted travels with the connect; a forward never waits for it,
 * since the server may speak first. A dial that fails resets the socket: a forward has no other words.
 *
 * @throws TunnelError CONFIG_INVALID, CONFIG_UNKNOWN_KEY, PROXY_OPEN (outside loopback: a forward has no credentials),
 *   ADDRESS_IN_USE, ADDRESS_UNAVAILABLE
 */
export async function startForward(tunnel: Tunnel, options: ForwardOptions): Promise<ProxyListener> {
  const resolved = resolveForwardOptions(options);
  const { host, port } = resolved;
  const context = createContext('forward', tunnel, resolved);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const serve = async (socket: Socket): Promise<void> => {
    const inlet = new Inlet(socket);
    // One turn of the event loop lets bytes be read that came together with the connection.
    await nextTurn();
    await openAndPump(context, inlet, { host, port }, { opened() {}, failed: () => socket.resetAndDestroy() });
  };
  return openListener(server, context, serve, adopt);
}

import { EventHub, formatHostPort, LIMITS, parseHostPort, type RelayConfig } from '@millrace/protocol';
import { resolveRelay } from '@millrace/protocol/config';
import { asRelayError, checkToken, nodeBatchUrl } from '../options.js';
import { publishEvents } from './channel.js';
import { RelayServer } from './relay-server.js';

/** Options of the Node relay. Defaults and ranges are those of the `relay` section of a configuration. */
export interface RelayOptions extends Omit<RelayConfig, 'tokenFile' | 'appsScript'> {
  /** What clients must show, as the query parameter `token`; at least 22 random characters. `millrace keygen` makes one. */
  token: string;
  /** `http:` or `https:` address of the one node. */
  node: string;
  /** Where events go; an own hub by default. */
  events?: EventHub;
}

/** A relay that listens. */
export interface Relay {
  /** Its `http:` address, without the token: clients POST to `<url>?token=…`. */
  readonly url: string;
  /** Gets an `exchange` event for each request that was passed on, a `refused` one for each that was not. */
  readonly events: EventHub;
  /** Stops listening and cuts what still runs. Resolves when every socket is gone. */
  close(): Promise<void>;
}

/**
 * Starts a stateless relay to one node: it checks the token, passes each POST body on to `<node>/tunnel/batch` and the
 * answer back, and tells a failure of the node inside the body. Throws RelayError: CONFIG_*, KEY_*, ADDRESS_*.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { token, events = new EventHub(), ...section } = options;
  const resolved = asRelayError(() => resolveRelay(section));
  const { host, port } = asRelayError(() => parseHostPort(resolved.listen, { name: 'listen' }));
  const server = new RelayServer({
    token: checkToken(token),
    nodeUrl: nodeBatchUrl(resolved.node),
    nodeTimeoutMs: resolved.nodeTimeoutMs,
    maxConcurrent: resolved.maxConcurrent,
    maxBodyBytes: LIMITS.maxBodyBytes,
    events,
  });
  const unpublish = publishEvents(events);
  try {
    const address = await server.listen(host, port);
    return {
      url: `http://${formatHostPort(address.host, address.port)}`,
      events,
      async close() {
        await server.close();
        unpublish();
      },
    };
  } catch (error) {
    unpublish();
    await server.close();
    throw error;
  }
}

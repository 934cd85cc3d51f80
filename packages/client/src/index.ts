import { channel } from 'node:diagnostics_channel';
import { createHttpCarrier } from './carriers/http/carrier.js';
import { createTunnel } from './tunnel/tunnel.js';
import type { Tunnel, TunnelOptions } from './tunnel/types.js';

export { TunnelError } from './errors.js';
export { readAccounts, type KeptAccountStats } from './state/index.js';
export type * from './tunnel/types.js';

/** Every event of every tunnel of this process is published here, as an object with the field `event`. */
const diagnostics = channel('millrace:client');

/**
 * Opens a tunnel. Needs no network: a relay that is down shows when something is opened, and the nodes behind the relays are
 * asked who they are in the background.
 *
 * Rejects with `TunnelError`: `CONFIG_INVALID`, `CONFIG_UNKNOWN_KEY`, `KEY_MISSING`, `KEY_WEAK`, `FILE_UNREADABLE` (a `caFile`),
 * `ABORTED`.
 */
export async function openTunnel(options: TunnelOptions): Promise<Tunnel> {
  const tunnel = createTunnel(options, (relay, maxConcurrent, { connectionsPerRelay, connectTimeoutMs }) =>
    createHttpCarrier({ relay, maxConcurrent, connections: connectionsPerRelay, connectTimeoutMs }),
  );
  tunnel.events.subscribe((event) => {
    if (diagnostics.hasSubscribers) diagnostics.publish(event);
  });
  return tunnel;
}

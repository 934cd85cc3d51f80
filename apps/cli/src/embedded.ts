import { startNode } from '@millrace/node-server';
import type { AccountEntry, RelayEntry } from '@millrace/protocol';
import { startRelay } from '@millrace/relay';
import type { SimulatorSettings } from '@millrace/testkit';
import { generateKey } from './generate-key.js';
import { Closers } from './serve.js';
import { startSimulatedRelay, type SimulatedRelay } from './simulated-relay.js';

/** A node and a relay in this process, on loopback, with keys made for this run. */
export interface Embedded {
  readonly node: string;
  readonly relay: string;
  /** The access key. Secret. */
  readonly key: string;
  /** How a client reaches the node through the relay. With its token. */
  readonly entry: RelayEntry;
  /** What the relay bears, which is more than a provider of relays would allow. */
  readonly account: AccountEntry;
  /** The relay, where it is a simulated one. */
  readonly simulated: SimulatedRelay | undefined;
  close(): Promise<void>;
}

/**
 * Starts both on free ports. Their events stay inside: those of the client tell of the same streams. With `faults` the
 * relay is as bad as they say.
 */
export async function startEmbedded(options: {
  allowPrivate: boolean;
  logTargets: boolean;
  faults?: SimulatorSettings | undefined;
}): Promise<Embedded> {
  const { allowPrivate, logTargets, faults } = options;
  const closers = new Closers();
  const [key, token] = [generateKey(), generateKey()];
  try {
    const node = await startNode({ allowPrivate, logTargets, key, listen: '127.0.0.1:0', admin: '', drainSeconds: 0 });
    closers.add(() => node.close());
    const addresses = { listen: '127.0.0.1:0', node: node.url, token };
    const simulated = faults === undefined ? undefined : await startSimulatedRelay({ ...addresses, faults });
    const relay = simulated ?? (await startRelay(addresses));
    closers.add(() => relay.close());
    const account = { name: 'embedded', maxConcurrent: 256 };
    const carries = faults?.textOnly === true ? { carries: 'text' as const } : {};
    const entry: RelayEntry = { url: relay.url, kind: 'relay', token, account: account.name, ...carries };
    return { node: node.url, relay: relay.url, key, entry, account, simulated, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

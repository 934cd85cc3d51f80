/** A whole tunnel in this process: node, a way to it, client and proxies, all on loopback ports that the system picks. */
import { EventHub, type MillraceEvent, type RelayEntry, parseHostPort } from '@millrace/protocol';
import { type Tunnel, type TunnelOptions, openTunnel } from '@millrace/client';
import {
  type ForwardOptions,
  type ProxyListener,
  type ProxyOptions,
  startForward,
  startHttpProxy,
  startSocks5,
} from '@millrace/client/proxy';
import { type NodeOptions, type TunnelNode, startNode } from '@millrace/node-server';
import { renderAppsScript, startRelay } from '@millrace/relay';
import { type SimulatedAppsScript, existingScript, simulateAppsScript } from '@millrace/testkit';

/** How the client reaches the node. */
export type Way =
  /** Straight to it. */
  | 'node'
  /** Through a Millrace relay. */
  | 'relay'
  /** Through the Apps Script that the relay package renders. */
  | 'apps-script'
  /** Through a script of the existing kind. */
  | 'existing-script';

export interface StackOptions {
  way?: Way;
  node?: Partial<NodeOptions>;
  proxy?: Partial<Omit<ProxyOptions, 'listen'>>;
  client?: Partial<Omit<TunnelOptions, 'events'>>;
}

export interface Stack {
  readonly node: TunnelNode;
  readonly tunnel: Tunnel;
  /** `HOST:PORT` of the SOCKS5 proxy. */
  readonly socks: string;
  /** `HOST:PORT` of the HTTP proxy. */
  readonly http: string;
  /** What happened in the client last, for the message of a test that fails. */
  story(): string;
  /** Resolves when the next exchange is over. */
  exchange(): Promise<void>;
  /** Ends the node, and starts another one where it was. */
  restartNode(): Promise<void>;
  /** Adds a forward; returns its `HOST:PORT`. */
  forward(target: { host: string; port: number }, options?: Partial<ForwardOptions>): Promise<string>;
  close(): Promise<void>;
}

/** Has a part closed with the stack. */
type Keep = <T extends { close(): Promise<void> }>(part: T) => T;

/** Events that a story tells. */
const STORY_EVENTS = 40;

const KEY = 'e2e-node-key-0123456789-abcdefghij';
const TOKEN = 'e2e-relay-token-0123456789-abcdef';

/** Names that only the node can resolve: whoever reaches them had them resolved there. */
const NAMES: Readonly<Record<string, string>> = {
  'target.test': '127.0.0.1',
  'page.test': '127.0.0.1',
  'denied.test': '127.0.0.1',
};

/** Starts a {@link Stack}. `denied.test` is denied by the node's policy; loopback targets are not. */
export async function startStack({
  way = 'relay',
  node: nodeOptions,
  proxy,
  client,
}: StackOptions = {}): Promise<Stack> {
  const closers: Array<() => Promise<void>> = [];
  const keep: Keep = (part) => {
    closers.unshift(() => part.close());
    return part;
  };
  const settings: NodeOptions = {
    key: KEY,
    listen: '127.0.0.1:0',
    admin: '',
    allowPrivate: true,
    denyNames: ['denied.test'],
    lookup: resolveTestName,
    ...nodeOptions,
  };
  const node = keep(await startNode(settings));
  const events: MillraceEvent[] = [];
  const hub = new EventHub();
  hub.subscribe((event) => {
    // Exchanges are many, and those that work say little that the others do not.
    if (event.event !== 'exchange' || event.code !== undefined) events.push(event);
    if (events.length > STORY_EVENTS) events.shift();
  });
  const tunnel = keep(await openTunnel({ key: KEY, relays: [await WAYS[way](node, keep)], ...client, events: hub }));
  const listen = '127.0.0.1:0';
  const socks = keep(await startSocks5(tunnel, { listen, ...proxy }));
  const http = keep(await startHttpProxy(tunnel, { listen, ...proxy }));
  return {
    node,
    tunnel,
    exchange: () =>
      new Promise((resolve) => {
        const stop = hub.subscribe((event) => {
          if (event.event !== 'exchange') return;
          stop();
          resolve();
        });
      }),
    story: () => events.map((event) => JSON.stringify(event)).join('\n'),
    socks: socks.address,
    http: http.address,
    async restartNode() {
      await node.close();
      keep(await startNode({ ...settings, listen: new URL(node.url).host }));
    },
    async forward({ host, port }, options) {
      const forward: ProxyListener = keep(await startForward(tunnel, { listen, host, port, ...options }));
      return forward.address;
    },
    async close() {
      for (const close of closers.splice(0)) await close();
    },
  };
}

/** An address of a proxy as Node's `connect` takes it. */
export const address = (hostPort: string): { host: string; port: number } => parseHostPort(hostPort);

/** How to reach the node on each way. */
const WAYS: Readonly<Record<Way, (node: TunnelNode, keep: Keep) => Promise<RelayEntry>>> = {
  node: async (node) => ({ url: node.url, kind: 'node' }),
  relay: async (node, keep) => {
    const relay = keep(await startRelay({ listen: '127.0.0.1:0', node: node.url, token: TOKEN }));
    return { url: relay.url, kind: 'relay', token: TOKEN };
  },
  'apps-script': async (node, keep) => {
    const script = keep(await simulate(renderAppsScript({ node: node.url, token: TOKEN })));
    return { url: script.url, kind: 'relay', token: TOKEN };
  },
  'existing-script': async (node, keep) => {
    const script = keep(await simulate(existingScript({ node: node.url, scriptKey: TOKEN, nodeKey: KEY })));
    return { url: script.url, kind: 'script', token: TOKEN };
  },
};

function simulate(source: string): Promise<SimulatedAppsScript> {
  return simulateAppsScript(source, { recordBodies: false });
}

async function resolveTestName(name: string): Promise<Array<{ address: string; family: 4 | 6 }>> {
  const found = NAMES[name];
  if (found === undefined) throw Object.assign(new Error(`${name} is no name of the tests`), { code: 'ENOTFOUND' });
  return [{ address: found, family: 4 }];
}

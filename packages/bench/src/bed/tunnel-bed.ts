import { randomBytes } from 'node:crypto';
import type { RelayEntry } from '@millrace/protocol';
import type { Link } from '../check/shaped-direction.js';
import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import type { ClientVerbs } from '../workers/client.js';
import type { NodeVerbs } from '../workers/node.js';
import type { RelayVerbs } from '../workers/relay.js';
import { shape } from './shape.js';
import { measured, stopAll, type Bed, type BedContext } from './types.js';

/** How a tunnel of ours is set up. */
export interface TunnelSetUp {
  /** Relays between client and node; 0 lets the client reach the node itself. Default 1. */
  relays?: number;
  /** Ops in flight for one stream. Default: the client's. */
  depth?: number;
  /** Link between client and relays; that of the command when absent. */
  clientLeg?: Link;
  /** Link between relays and node. Default: loopback as it is. */
  nodeLeg?: Link;
}

/** Starts node, relays and client as processes of their own, on loopback. */
export async function openTunnelBed(context: BedContext, setUp: TunnelSetUp = {}): Promise<Bed> {
  const { relays = 1, depth, clientLeg = context.link, nodeLeg } = setUp;
  const started: Array<Child<Verbs>> = [];
  const start = async <V extends Verbs>(worker: string, role?: string): Promise<Child<V>> => {
    const child = await context.startSubject<V>(worker, role);
    started.push(child);
    return child;
  };
  const links: Array<Child<Verbs>> = [];
  const through = async (url: string, link: Link | undefined): Promise<string> =>
    link ? shape(context, url, link, links) : url;
  try {
    const key = randomBytes(24).toString('base64url');
    const token = randomBytes(24).toString('base64url');
    const node = await start<NodeVerbs>('node');
    const nodeUrl = await node.call('start', { key, listen: '127.0.0.1:0', admin: '', allowPrivate: true });
    const entries: RelayEntry[] = [];
    const relayChildren: Array<Child<RelayVerbs>> = [];
    for (let i = 0; i < relays; i++) {
      const relay = await start<RelayVerbs>('relay', relays > 1 ? `relay ${i + 1}` : 'relay');
      relayChildren.push(relay);
      const url = await relay.call('start', { listen: '127.0.0.1:0', node: await through(nodeUrl, nodeLeg), token });
      entries.push({ url: await through(url, clientLeg), kind: 'relay', token });
    }
    if (relays === 0) entries.push({ url: await through(nodeUrl, clientLeg), kind: 'node' });
    const client = await start<ClientVerbs>('client');
    const address = await client.call('start', {
      relays: entries,
      key,
      ...(depth !== undefined && { pipelineDepth: depth }),
    });
    const far = relays === 0 ? [node] : relayChildren;
    return {
      entry: { kind: 'socks5', host: '127.0.0.1', port: Number(address.slice(address.lastIndexOf(':') + 1)) },
      measured: started.map((child) => measured(child)),
      wire: async () => {
        const usages = await Promise.all(far.map((child) => child.usage()));
        return {
          requests: usages.reduce((sum, { requests }) => sum + requests, 0),
          bytes: usages.reduce((sum, { serverBytes }) => sum + serverBytes, 0),
        };
      },
      says: async () => {
        const [ofClient, ofNode] = await Promise.all([client.call('codes', null), node.call('codes', null)]);
        return [
          ...ofClient.map((code) => `the client says: ${code}`),
          ...ofNode.map((code) => `the node says: ${code}`),
        ];
      },
      resources: async () => {
        const usages = await Promise.all(started.map((child) => child.usage()));
        const sum = (name: 'memoryMiB' | 'handles' | 'timers'): number =>
          usages.reduce((total, usage) => total + usage[name], 0);
        return { memoryMiB: sum('memoryMiB'), handles: sum('handles'), timers: sum('timers') };
      },
      close: () => stopAll([...links, ...started]),
    };
  } catch (error) {
    await stopAll([...links, ...started]);
    throw error;
  }
}

import { randomBytes } from 'node:crypto';
import type { RelayEntry } from '@millrace/protocol';
import type { SimulatorSettings } from '@millrace/testkit';
import type { Link } from '../check/shaped-direction.js';
import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import type { ClientVerbs } from '../workers/client.js';
import type { NodeVerbs } from '../workers/node.js';
import type { RelaySimulatorVerbs } from '../workers/relay-simulator.js';
import type { RelayVerbs } from '../workers/relay.js';
import { shape } from './shape.js';
import { measured, stopAll, type Bed, type BedContext } from './types.js';
import { wrongLevel } from './wrong-level.js';

/** How a tunnel of ours is set up. */
export interface TunnelSetUp {
  /** Relays between client and node; 0 lets the client reach the node itself. Default 1. */
  relays?: number;
  /** Simulated relays, one each, instead of ours: with delays, rates and faults of their own. What they cost is not charged. */
  simulators?: SimulatorSettings[];
  /** Level of the wire. Default 2. */
  level?: 1 | 2;
  /** How bodies travel at level 2; level 1 is text. Default `bytes`. */
  encoding?: 'text' | 'bytes';
  /** Ops in flight for one stream of level 1. Default: the client's. */
  depth?: number;
  /** Longest that relays bear a held exchange. Default: the client's. */
  holdMs?: number;
}

/** What both ends need to find each other. */
interface Secrets {
  key: string;
  token: string;
}

/** Starts node, relays and client as processes of their own. */
export async function openTunnelBed(context: BedContext, setUp: TunnelSetUp = {}): Promise<Bed> {
  const { relays = 1, level = 2, encoding = 'bytes', depth, holdMs, simulators } = setUp;
  const secrets = { key: randomBytes(24).toString('base64url'), token: randomBytes(24).toString('base64url') };
  const started: Array<Child<Verbs>> = [];
  const links: Array<Child<Verbs>> = [];
  const through = async (url: string, link: Link | undefined): Promise<string> =>
    link ? shape(context, url, link, links) : url;
  try {
    const node = await context.startSubject<NodeVerbs>('node');
    started.push(node);
    const listen = `${relays === 0 && !simulators ? context.farHost : '127.0.0.1'}:0`;
    const nodeUrl = await node.call('start', { key: secrets.key, listen, admin: '', allowPrivate: true });
    const far = simulators
      ? await startSimulators(context, nodeUrl, simulators, secrets, links)
      : await startRelays(context, await through(nodeUrl, nodeLegOf(context.link)), relays, secrets, started);
    const addresses = simulators || relays > 0 ? far.urls : [nodeUrl];
    const entries: RelayEntry[] = [];
    for (const url of addresses) {
      const entry: RelayEntry = { url: await through(url, context.link), kind: 'node', carries: encoding };
      if (far.urls.length > 0) Object.assign(entry, { kind: 'relay', token: secrets.token });
      if (holdMs !== undefined) entry.holdMs = holdMs;
      entries.push(entry);
    }
    const options = {
      relays: entries,
      key: secrets.key,
      level: String(level) as '1' | '2',
      ...(depth !== undefined && { pipelineDepth: depth }),
    };
    let client = await context.startSubject<ClientVerbs>('client');
    started.push(client);
    let { address, unknown } = await client.call('start', options);
    const counters = far.children.length > 0 ? far.children : [node];
    return {
      get entry() {
        const port = Number(address.slice(address.lastIndexOf(':') + 1));
        return { kind: 'socks5' as const, host: '127.0.0.1', port };
      },
      get measured() {
        return started.map((child) => measured(child));
      },
      get notes() {
        return unknown.length > 0 ? [`this tree does not know ${unknown.join(', ')}`] : [];
      },
      wire: async () => {
        const usages = await Promise.all(counters.map((child) => child.usage()));
        return {
          requests: sumOf(usages, 'requests'),
          bytes: sumOf(usages, 'serverBytes'),
          mostInFlight: sumOf(usages, 'mostInFlight'),
        };
      },
      forgetPeak: async () => {
        await Promise.all(counters.map((child) => child.forgetPeak()));
      },
      renewClient: async () => {
        await client.stop();
        started.pop();
        client = await context.startSubject<ClientVerbs>('client');
        started.push(client);
        ({ address, unknown } = await client.call('start', options));
      },
      wrongLevel: async () =>
        unknown.includes('level') ? [] : wrongLevel((await client.usage()).answers, level, encoding),
      says: async () => {
        const [ofClient, ofNode] = await Promise.all([client.call('codes', null), node.call('codes', null)]);
        return [
          ...ofClient.map((code) => `the client says: ${code}`),
          ...ofNode.map((code) => `the node says: ${code}`),
        ];
      },
      resources: async () => {
        const usages = await Promise.all(started.map((child) => child.usage()));
        return {
          memoryMiB: sumOf(usages, 'memoryMiB'),
          handles: sumOf(usages, 'handles'),
          timers: sumOf(usages, 'timers'),
        };
      },
      close: () => stopAll([...links, ...started]),
    };
  } catch (error) {
    await stopAll([...links, ...started]);
    throw error;
  }
}

/** What stands between client and node. */
interface FarEnd {
  urls: string[];
  children: Array<Child<Verbs>>;
}

/** Relays of the tree under test. */
async function startRelays(
  context: BedContext,
  node: string,
  count: number,
  { token }: Secrets,
  started: Array<Child<Verbs>>,
): Promise<FarEnd> {
  const end: FarEnd = { urls: [], children: [] };
  for (let i = 0; i < count; i++) {
    const relay = await context.startSubject<RelayVerbs>('relay', count > 1 ? `relay ${i + 1}` : 'relay');
    started.push(relay);
    end.children.push(relay);
    end.urls.push(await relay.call('start', { listen: `${context.farHost}:0`, node, token }));
  }
  return end;
}

/** Simulated relays; they are part of the network, so they are added to `links`. */
async function startSimulators(
  context: BedContext,
  node: string,
  simulators: SimulatorSettings[],
  { token }: Secrets,
  links: Array<Child<Verbs>>,
): Promise<FarEnd> {
  const end: FarEnd = { urls: [], children: [] };
  for (const settings of simulators) {
    const relay = await context.startHarness<RelaySimulatorVerbs>('relay-simulator');
    links.push(relay);
    end.children.push(relay);
    end.urls.push(await relay.call('start', { ...settings, listen: `${context.farHost}:0`, node, token }));
  }
  return end;
}

/** The rate holds for each leg; delay and loss are those between client and relay. */
const nodeLegOf = (link: Link | undefined): Link | undefined =>
  link && link.rateMbps > 0 ? { rttMs: 0, rateMbps: link.rateMbps, lossPercent: 0 } : undefined;

const sumOf = <K extends string>(usages: Array<Record<K, number>>, name: K): number =>
  usages.reduce((total, usage) => total + usage[name], 0);

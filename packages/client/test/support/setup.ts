/** A tunnel over fake carriers. */
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { createTunnel } from '../../src/tunnel/tunnel.js';
import type { Tunnel, TunnelOptions, TunnelStream } from '../../src/tunnel/types.js';
import { FakeCarrier } from './fake-carrier.js';
import { FakeNode, type FakeNodeOptions } from './fake-node.js';

export const KEY = 'correct-horse-battery-staple-42';

/** Where nobody listens. Not a port that was free a moment ago: another test may have it by now. */
export const NOBODY = 'http://127.0.0.1:1/';

export interface FakeSetup extends AsyncDisposable {
  readonly tunnel: Tunnel;
  readonly node: FakeNode;
  /** One per relay. */
  readonly carriers: readonly FakeCarrier[];
  /** The first of them. */
  readonly carrier: FakeCarrier;
  readonly events: MillraceEvent[];
}

export interface FakeSetupOptions extends Partial<Omit<TunnelOptions, 'events'>> {
  node?: FakeNodeOptions;
  /** How many relays, one by default. */
  count?: number;
}

/** Opens a tunnel over fake relays to one fake node. Batches wait for nothing unless told otherwise. */
export function fakeTunnel({ node: nodeOptions, count = 1, ...options }: FakeSetupOptions = {}): FakeSetup {
  const node = new FakeNode(nodeOptions);
  const carriers: FakeCarrier[] = [];
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  const relays = Array.from({ length: count }, (_, index) => ({
    url: `http://relay${index}.test`,
    kind: 'node' as const,
  }));
  const tunnel = createTunnel({ key: KEY, relays, batchWaitMs: 0, ...options, events: hub }, () => {
    const carrier = new FakeCarrier(node);
    carriers.push(carrier);
    return carrier;
  });
  return {
    tunnel,
    node,
    carriers,
    carrier: carriers[0] as FakeCarrier,
    events,
    [Symbol.asyncDispose]: () => tunnel.close(),
  };
}

/** The next event of this kind, now or when it comes. */
export function eventOf<E extends MillraceEvent['event']>(
  { events, tunnel }: Pick<FakeSetup, 'events' | 'tunnel'>,
  event: E,
  matches: (event: Extract<MillraceEvent, { event: E }>) => boolean = () => true,
): Promise<Extract<MillraceEvent, { event: E }>> {
  type Wanted = Extract<MillraceEvent, { event: E }>;
  const isWanted = (candidate: MillraceEvent): candidate is Wanted =>
    candidate.event === event && matches(candidate as Wanted);
  const there = events.find(isWanted);
  if (there !== undefined) return Promise.resolve(there);
  return new Promise((resolve) => {
    const unsubscribe = tunnel.events.subscribe((candidate) => {
      if (!isWanted(candidate)) return;
      unsubscribe();
      resolve(candidate);
    });
  });
}

/** Reads until the stream ends. */
export async function readToEnd(stream: Pick<TunnelStream, 'readable'>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.readable) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads at least `size` bytes. */
export async function readBytes(reader: ReadableStreamDefaultReader<Uint8Array>, size: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let have = 0; have < size;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    have += value.byteLength;
  }
  return Buffer.concat(chunks);
}

/** Resolves once `condition` holds. Looks at it whenever the event loop has come round, by no clock. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

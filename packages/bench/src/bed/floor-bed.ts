import type { Child } from '../process/child.js';
import type { FloorClientVerbs } from '../workers/floor-client.js';
import type { FloorServerVerbs } from '../workers/floor-server.js';
import { shape } from './shape.js';
import { measured, stopAll, type BedContext, type Measured } from './types.js';

/** Node, relay and client that exchange bodies and do nothing else. */
export interface FloorBed {
  readonly client: Child<FloorClientVerbs>;
  readonly measured: Measured[];
  close(): Promise<void>;
}

/** Starts the floor, over the same client link as the tunnel. */
export async function openFloorBed(context: BedContext): Promise<FloorBed> {
  const node = await context.startHarness<FloorServerVerbs>('floor-server', 'floor node');
  const relay = await context.startHarness<FloorServerVerbs>('floor-server', 'floor relay');
  const client = await context.startHarness<FloorClientVerbs>('floor-client', 'floor client');
  const links: Parameters<typeof shape>[3] = [];
  const nodeUrl = await node.call('node', { host: '127.0.0.1' });
  const url = await relay.call('relay', { host: context.farHost, node: nodeUrl });
  await client.call('connect', { url: context.link ? await shape(context, url, context.link, links) : url });
  return {
    client,
    measured: [client, relay, node].map((child) => measured(child as never)),
    close: () => stopAll([...links, node, relay, client]),
  };
}

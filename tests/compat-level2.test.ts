/** Today's client and node with those of 0.1.0, which knows level 1 only, and upgrades of either while it runs. */
import { EventHub, type MillraceEvent, type PeerEvent } from '@millrace/protocol';
import { openTunnel, type StateStore, type Tunnel, type TunnelOptions, type TunnelStream } from '@millrace/client';
import { startNode, type TunnelNode } from '@millrace/node-server';
import { PatternChecker, patternBytes, startTarget, type TcpTarget } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { loadRelease, type Release } from './support/release.js';

const KEY = 'e2e-compat-key-0123456789-abcdefgh';
const SIZE = 4 * 1024 * 1024;

let old: Release;
let echo: TcpTarget;

beforeAll(async () => {
  old = await loadRelease('0.1.0');
  echo = await startTarget({ kind: 'echo' });
});

afterAll(async () => {
  await echo.close();
  old.remove();
});

type Start = Release['startNode'];

async function node(context: TestContext, start: Start, listen = '127.0.0.1:0'): Promise<TunnelNode> {
  const started = await start({ key: KEY, listen, admin: '', allowPrivate: true });
  context.onTestFinished(() => started.close());
  return started;
}

/** A tunnel and what it tells. */
interface Observed {
  tunnel: Tunnel;
  events: MillraceEvent[];
  /** Resolves with the next event, or one before, that fits. */
  heard: (fits: (event: MillraceEvent) => boolean) => Promise<MillraceEvent>;
}

async function client(
  context: TestContext,
  open: Release['openTunnel'],
  url: string,
  options: Partial<TunnelOptions> = {},
): Promise<Observed> {
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  const tunnel = await open({ key: KEY, relays: [{ url, kind: 'node' }], ...options, events: hub });
  context.onTestFinished(() => tunnel.close());
  const heard = (fits: (event: MillraceEvent) => boolean): Promise<MillraceEvent> => {
    const there = events.find(fits);
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve) => {
      const stop = hub.subscribe((event) => {
        if (!fits(event)) return;
        stop();
        resolve(event);
      });
    });
  };
  return { tunnel, events, heard };
}

const isPeer =
  (level: number, after?: PeerEvent) =>
  (event: MillraceEvent): boolean =>
    event.event === 'peer' && event.level === level && event !== after;

const connect = (tunnel: Tunnel): Promise<TunnelStream> => tunnel.connect({ host: '127.0.0.1', port: echo.port });

/** Bytes there and back over a new stream, every one compared. Level 1 has no half-close: the echo never ends by itself. */
async function roundTrip(tunnel: Tunnel, seed: number): Promise<void> {
  const stream = await connect(tunnel);
  const writer = stream.writable.getWriter();
  const sent = writer.write(patternBytes(SIZE, seed));
  const reader = stream.readable.getReader();
  const checker = new PatternChecker(seed);
  while (checker.bytes < SIZE) checker.push((await reader.read()).value!);
  checker.end(SIZE);
  await sent;
  stream.reset();
}

test('a client of today speaks level 1 with a node of 0.1.0', async (context) => {
  const { url } = await node(context, old.startNode);
  const { tunnel } = await client(context, openTunnel, url);
  await roundTrip(tunnel, 1);
  const [probe] = await tunnel.probe();
  expect(probe!.peer).toMatchObject({ level: 1, version: '0.1.0' });
  await roundTrip(tunnel, 2);
  expect(tunnel.stats().relays[0]!.level).toBe(1);
});

test('told to speak level 2 only, it says what to do about a node of 0.1.0', async (context) => {
  const { url } = await node(context, old.startNode);
  const { tunnel } = await client(context, openTunnel, url, { level: '2' });
  const refused = expect.objectContaining({
    code: 'PEER_VERSION',
    message: expect.stringContaining('update the node') as string,
  }) as Error;
  await expect(connect(tunnel)).rejects.toThrow(refused);
  expect((await tunnel.probe())[0]!.error).toMatchObject({ code: 'PEER_VERSION' });
});

test('a client of 0.1.0 speaks level 1 with a node of today', async (context) => {
  const { url } = await node(context, startNode);
  const { tunnel } = await client(context, old.openTunnel, url);
  await Promise.all([roundTrip(tunnel, 3), roundTrip(tunnel, 4)]);
});

test('the node is upgraded first, while the client runs: new streams move to level 2', async (context) => {
  const before = await node(context, old.startNode);
  const { tunnel, heard } = await client(context, openTunnel, before.url);
  await roundTrip(tunnel, 5);
  // Its poll is what notices that the node is another one.
  const open = await connect(tunnel);
  const first = (await heard(isPeer(1))) as PeerEvent;
  await before.close();
  await node(context, startNode, new URL(before.url).host);
  await expect(open.closed).rejects.toBeDefined();
  await heard(isPeer(2, first));
  await roundTrip(tunnel, 6);
  expect(tunnel.stats().relays[0]!.level).toBe(2);
});

test('the client is upgraded first: 0.1.0 ends, today takes over, then the node follows', async (context) => {
  const before = await node(context, old.startNode);
  const old1 = await client(context, old.openTunnel, before.url);
  await roundTrip(old1.tunnel, 7);
  await old1.tunnel.close();
  const { tunnel, heard } = await client(context, openTunnel, before.url);
  await roundTrip(tunnel, 8);
  const open = await connect(tunnel);
  await before.close();
  await node(context, startNode, new URL(before.url).host);
  await expect(open.closed).rejects.toBeDefined();
  await heard(isPeer(2));
  await roundTrip(tunnel, 9);
});

test('a node that went back to 0.1.0 is an error that names the relay and the flag', async (context) => {
  const before = await node(context, startNode);
  const { tunnel, heard } = await client(context, openTunnel, before.url);
  await heard(isPeer(2));
  const open = await connect(tunnel);
  await before.close();
  await node(context, old.startNode, new URL(before.url).host);
  await expect(open.closed).rejects.toBeDefined();
  const failed = await heard((event) => event.event === 'relay-failed' && event.code === 'PEER_VERSION');
  expect(failed).toMatchObject({
    relay: `${before.url}/`,
    message: expect.stringContaining('--allow-downgrade') as string,
  });
  await expect(connect(tunnel)).rejects.toMatchObject({ code: 'PEER_VERSION' });
});

test('where that is allowed, new streams go back to level 1', async (context) => {
  const before = await node(context, startNode);
  const { tunnel, heard } = await client(context, openTunnel, before.url, { allowDowngrade: true });
  await heard(isPeer(2));
  await roundTrip(tunnel, 10);
  const open = await connect(tunnel);
  await before.close();
  await node(context, old.startNode, new URL(before.url).host);
  await expect(open.closed).rejects.toBeDefined();
  await heard(isPeer(1));
  await roundTrip(tunnel, 11);
});

test('what a node spoke is remembered over a restart of the client', async (context) => {
  let kept: string | undefined;
  const store: StateStore = {
    load: async () => kept,
    save: async (text) => {
      kept = text;
    },
  };
  const before = await node(context, startNode);
  const first = await client(context, openTunnel, before.url, { store });
  await first.heard(isPeer(2));
  await first.tunnel.close();
  expect(kept).toContain('"level":2');

  const second = await client(context, openTunnel, before.url, { store });
  await roundTrip(second.tunnel, 12);
  expect(second.tunnel.stats().relays[0]!.level).toBe(2);
  await second.tunnel.close();

  await before.close();
  await node(context, old.startNode, new URL(before.url).host);
  const third = await client(context, openTunnel, before.url, { store });
  await expect(connect(third.tunnel)).rejects.toMatchObject({ code: 'PEER_VERSION' });
  await third.tunnel.close();
  const fourth = await client(context, openTunnel, before.url, { store, allowDowngrade: true });
  await roundTrip(fourth.tunnel, 13);
});

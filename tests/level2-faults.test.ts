/** Level 2 over relays that fail: no byte is lost, changed or doubled, and what cannot go on says so. */
import type { RelayEntry } from '@millrace/protocol';
import { openTunnel, type Tunnel, type TunnelOptions, type TunnelStream } from '@millrace/client';
import { startNode, type NodeOptions, type TunnelNode } from '@millrace/node-server';
import { renderAppsScript } from '@millrace/relay';
import {
  type FaultChoice,
  type FaultRelay,
  PatternChecker,
  patternBytes,
  simulateAppsScript,
  startFaultRelay,
  startTarget,
  type TcpTarget,
  type TcpTargetOptions,
} from '@millrace/testkit';
import { expect, test, type TestContext } from 'vitest';

const KEY = 'e2e-faults-key-0123456789-abcdefgh';
const TOKEN = 'e2e-faults-token-0123456789-abcdef';
const MIB = 1024 * 1024;

async function node(context: TestContext, options: Partial<NodeOptions> = {}): Promise<TunnelNode> {
  const started = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true, ...options });
  context.onTestFinished(() => started.close());
  return started;
}

async function relay(
  context: TestContext,
  to: TunnelNode,
  decide: (index: number) => FaultChoice = () => 'pass',
): Promise<FaultRelay> {
  const started = await startFaultRelay({ node: to.url, recordBodies: false, decide: ({ index }) => decide(index) });
  context.onTestFinished(() => started.close());
  return started;
}

async function client(
  context: TestContext,
  relays: ReadonlyArray<Pick<RelayEntry, 'url' | 'maxRequestBytes' | 'maxResponseBytes'>>,
  options: Partial<TunnelOptions> = {},
): Promise<Tunnel> {
  const entries = relays.map(({ url, maxRequestBytes = 4 * MIB, maxResponseBytes = 4 * MIB }) => ({
    url,
    maxRequestBytes,
    maxResponseBytes,
    token: TOKEN,
    carries: 'bytes' as const,
  }));
  const tunnel = await openTunnel({ key: KEY, relays: entries, level: '2', ...options });
  context.onTestFinished(() => tunnel.close());
  return tunnel;
}

async function target(context: TestContext, options: TcpTargetOptions): Promise<TcpTarget> {
  const started = (await startTarget(options)) as TcpTarget;
  context.onTestFinished(() => started.close());
  return started;
}

const connect = (tunnel: Tunnel, { port }: TcpTarget): Promise<TunnelStream> =>
  tunnel.connect({ host: '127.0.0.1', port });

/** Bytes to an echo and back over a stream, to both its ends. */
async function echoed(stream: TunnelStream, seed: number, size: number): Promise<void> {
  const writer = stream.writable.getWriter();
  const sent = (async () => {
    for (let at = 0; at < size; at += 50_000) await writer.write(patternBytes(Math.min(50_000, size - at), seed, at));
    await writer.close();
  })();
  const checker = new PatternChecker(seed);
  for await (const chunk of stream.readable) checker.push(chunk);
  checker.end(size);
  await Promise.all([sent, stream.closed]);
}

const CYCLE: readonly FaultChoice[] = [
  'pass',
  'drop-request',
  'pass',
  'duplicate',
  'pass',
  'drop-response',
  { do: 'duplicate', answer: 'second' },
  'pass',
  { do: 'truncate', how: 'length' },
  'pass',
  { do: 'truncate', how: 'chunked' },
  { do: 'empty', forward: true },
  'pass',
  'html',
  'pass',
  { do: 'json-error', code: 'RELAY_NODE_DOWN' },
  'pass',
];

test('lost, doubled, cut, empty and replaced answers cost time and no byte, on four streams at once', async (context) => {
  const way = await relay(context, await node(context), (index) => CYCLE[index % CYCLE.length]!);
  // Small bodies, so that every fault has its turn more than once.
  const tunnel = await client(context, [{ url: way.url, maxRequestBytes: 65_536, maxResponseBytes: 65_536 }]);
  const echo = await target(context, { kind: 'echo' });
  await Promise.all([1, 2, 3, 4].map(async (seed) => echoed(await connect(tunnel, echo), seed, 2 * MIB)));
  expect(echo.connections).toHaveLength(4);
  expect(way.exchanges.length).toBeGreaterThan(CYCLE.length);
});

test('one of two relays dies in the middle: the other carries on, and no byte is missing', async (context) => {
  const to = await node(context);
  const [one, other] = [await relay(context, to), await relay(context, to)];
  const tunnel = await client(context, [one, other]);
  const echo = await target(context, { kind: 'echo' });
  const stream = await connect(tunnel, echo);
  const running = echoed(stream, 7, 8 * MIB);
  await Promise.all([one.exchange(2), (await echo.next()).received(100_000)]);
  await one.close();
  await running;
});

test('a node that is restarted resets its streams, and new ones work at once', async (context) => {
  const first = await node(context);
  const echo = await target(context, { kind: 'echo' });
  const tunnel = await openTunnel({ key: KEY, relays: [{ url: first.url, kind: 'node' }], level: '2' });
  context.onTestFinished(() => tunnel.close());
  const stream = await connect(tunnel, echo);
  const reader = stream.readable.getReader();
  await stream.writable.getWriter().write(patternBytes(1_000, 1));
  await reader.read();
  await first.close();
  await node(context, { listen: new URL(first.url).host });
  await expect(stream.closed).rejects.toMatchObject({ code: 'NODE_RESTARTED' });
  await echoed(await connect(tunnel, echo), 2, MIB);
});

test('a client that is started again has nothing to do with what it opened before', async (context) => {
  const to = await node(context);
  const echo = await target(context, { kind: 'echo' });
  for (const seed of [1, 2]) {
    const tunnel = await openTunnel({ key: KEY, relays: [{ url: to.url, kind: 'node' }], level: '2' });
    await echoed(await connect(tunnel, echo), seed, MIB);
    const left = await connect(tunnel, echo);
    const ended = left.closed.catch((error: unknown) => error);
    const { closed: gone } = await echo.connection(echo.connections.length - 1);
    await tunnel.close();
    // The node hears of it: the target does not wait for a client that has left.
    await gone;
    expect(await ended).toMatchObject({ code: 'TUNNEL_CLOSED' });
  }
});

test('a target that takes nothing holds up nobody else', async (context) => {
  const to = await node(context);
  const tunnel = await client(context, [await relay(context, to)]);
  const silent = await target(context, { kind: 'silent' });
  const echo = await target(context, { kind: 'echo' });
  const stalled = await connect(tunnel, silent);
  const writer = stalled.writable.getWriter();
  let stuck = false;
  const writing = (async () => {
    for (let at = 0; at < 64 * MIB; at += MIB) await writer.write(patternBytes(MIB, 3, at));
    stuck = true;
  })();
  writing.catch(() => {});
  await echoed(await connect(tunnel, echo), 4, 4 * MIB);
  expect(stuck).toBe(false);
  stalled.reset();
  await expect(writing).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
});

test('either side may end first, and the other goes on', async (context) => {
  const tunnel = await client(context, [await relay(context, await node(context))]);
  const manual = await target(context, { kind: 'manual' });

  const one = await connect(tunnel, manual);
  const atTarget = await manual.next();
  await one.writable.getWriter().close();
  await atTarget.ended;
  atTarget.socket.end(patternBytes(100_000, 5));
  const checker = new PatternChecker(5);
  for await (const chunk of one.readable) checker.push(chunk);
  checker.end(100_000);
  await one.closed;

  const two = await connect(tunnel, manual);
  const next = await manual.next();
  const received = new PatternChecker(6);
  next.socket.on('data', (chunk) => received.push(chunk));
  next.socket.end();
  expect((await two.readable.getReader().read()).done).toBe(true);
  const writer = two.writable.getWriter();
  await writer.write(patternBytes(300_000, 6));
  await writer.close();
  await Promise.all([two.closed, next.ended]);
  received.end(300_000);
});

test('a reset on either side is a reset on the other', async (context) => {
  const tunnel = await client(context, [await relay(context, await node(context))]);
  const manual = await target(context, { kind: 'manual' });
  const one = await connect(tunnel, manual);
  (await manual.next()).socket.resetAndDestroy();
  await expect(one.closed).rejects.toMatchObject({ code: 'TARGET_RESET' });

  const two = await connect(tunnel, manual);
  const { closed: reset } = await manual.next();
  two.reset();
  await reset;
  await expect(two.closed).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
});

test('an upload that was given up is a reset for the target, and no end', async (context) => {
  const tunnel = await client(context, [await relay(context, await node(context))]);
  const manual = await target(context, { kind: 'manual' });
  const stream = await connect(tunnel, manual);
  const { socket, ended, closed } = await manual.next();
  await stream.writable.getWriter().abort();
  const cut = ended.then(
    () => 'ended',
    () => 'cut',
  );
  socket.end('all');
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.readable) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('all');
  await closed;
  expect(await cut).toBe('cut');
});

test('one flow serves all targets of an association, and closing it is heard by the node', async (context) => {
  const to = await node(context);
  const tunnel = await client(context, [await relay(context, to)]);
  const [one, other] = await Promise.all([startTarget({ kind: 'udp-echo' }), startTarget({ kind: 'udp-echo' })]);
  context.onTestFinished(() => Promise.all([one.close(), other.close()]).then(() => {}));
  const udp = await tunnel.udp();
  const reader = udp.readable.getReader();
  const buffer = Buffer.alloc(4);
  for (const [index, { port }] of [one, other, one].entries()) {
    buffer.writeUInt32BE(index);
    udp.send({ host: '127.0.0.1', port, data: buffer });
    const { value } = await reader.read();
    expect(value).toMatchObject({ host: '127.0.0.1', port });
    expect(Buffer.from(value!.data).readUInt32BE()).toBe(index);
  }
  expect([tunnel.stats().flows, to.stats().flows]).toEqual([1, 1]);
  const over = new Promise<void>((resolve) => {
    to.events.subscribe(({ event }) => {
      if (event === 'closed') resolve();
    });
  });
  udp.close();
  await over;
  expect(tunnel.stats().flows).toBe(0);
});

test('what cannot be dialled says why, as at level 1', async (context) => {
  const open = await node(context);
  const tunnel = await client(context, [await relay(context, open)]);
  const nobody = await target(context, { kind: 'echo' });
  await nobody.close();
  await expect(connect(tunnel, nobody)).rejects.toMatchObject({ code: 'DIAL_REFUSED' });
  const strict = await node(context, { allowPrivate: false });
  const denied = await client(context, [await relay(context, strict)]);
  await expect(connect(denied, nobody)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
});

test('an open that is aborted, and a stream that is, are gone at the node', async (context) => {
  const to = await node(context);
  const tunnel = await client(context, [await relay(context, to)]);
  const echo = await target(context, { kind: 'echo' });
  const early = new AbortController();
  const opening = tunnel.connect({ host: '127.0.0.1', port: echo.port, signal: early.signal });
  early.abort();
  await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
  const late = new AbortController();
  const stream = await tunnel.connect({ host: '127.0.0.1', port: echo.port, signal: late.signal });
  const { closed: gone } = await echo.connection(echo.connections.length - 1);
  late.abort();
  await expect(stream.closed).rejects.toMatchObject({ code: 'ABORTED' });
  await gone;
});

test('a relay that carries text only and one that carries bytes share a stream', async (context) => {
  const to = await node(context);
  const script = await simulateAppsScript(renderAppsScript({ node: to.url, token: TOKEN }), { recordBodies: false });
  context.onTestFinished(() => script.close());
  const tunnel = await openTunnel({
    key: KEY,
    relays: [
      { url: script.url, token: TOKEN },
      { url: (await relay(context, to)).url, token: TOKEN },
    ],
    level: '2',
  });
  context.onTestFinished(() => tunnel.close());
  const echo = await target(context, { kind: 'echo' });
  await Promise.all([1, 2, 3].map(async (seed) => echoed(await connect(tunnel, echo), seed, 2 * MIB)));
  const probes = await tunnel.probe();
  expect(probes.map(({ peer }) => peer?.level)).toEqual([2, 2]);
  expect(new Set(probes.map(({ peer }) => peer?.node)).size).toBe(1);
});

test('a wrong key is told as such, and holds nobody for long', async (context) => {
  const to = await node(context);
  const tunnel = await openTunnel({
    key: `${KEY}-another-one`,
    relays: [{ url: to.url, kind: 'node' }],
  });
  context.onTestFinished(() => tunnel.close());
  await expect(tunnel.connect({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({ code: 'RELAY_AUTH' });
});

test('relays that lead to different nodes are named, and one node is used', async (context) => {
  const [one, two] = [await node(context), await node(context)];
  const tunnel = await client(context, [await relay(context, one), await relay(context, two)]);
  const told = new Promise<string>((resolve) => {
    tunnel.events.subscribe((event) => {
      if (event.event === 'relay-failed' && event.code === 'PEER_DIFFERENT_NODES') resolve(event.message);
    });
  });
  const echo = await target(context, { kind: 'echo' });
  await echoed(await connect(tunnel, echo), 1, MIB);
  const open = await connect(tunnel, echo);
  expect(await told).toContain('leads to another node');
  open.reset();
});

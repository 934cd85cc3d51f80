/** Level 2 over a node without sockets: what many streams cost in requests and memory, and what blocked accounts mean. */
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import type { StreamEngineOptions } from '@millrace/protocol/stream';
import { patternBytes } from '@millrace/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Account } from '../src/carriers/account.js';
import { failed } from '../src/carriers/carrier.js';
import { Relay } from '../src/carriers/relay.js';
import { RelayPool } from '../src/carriers/relay-pool.js';
import { createLevel2, type Level2 } from '../src/level2/level2.js';
import { resolveOptions } from '../src/options.js';
import { Channel } from '../src/tunnel/channel.js';
import { OpenRecord } from '../src/tunnel/open-record.js';
import { createTunnel } from '../src/tunnel/tunnel.js';
import type { Tunnel, TunnelOptions } from '../src/tunnel/types.js';
import { Level2Carrier, Level2Node } from './support/level2-node.js';
import { KEY, until } from './support/setup.js';

const RELAY = { url: 'http://relay.test', kind: 'node' } as const;

afterEach(() => {
  vi.useRealTimers();
});

function open(node: Level2Node, options: Partial<TunnelOptions> = {}): { tunnel: Tunnel; carrier: Level2Carrier } {
  let carrier: Level2Carrier | undefined;
  const tunnel = createTunnel({ key: KEY, relays: [RELAY], level: '2', ...options }, () => {
    carrier = new Level2Carrier(node);
    return carrier;
  });
  return { tunnel, carrier: carrier as Level2Carrier };
}

/** Level 2 over one relay, at defaults but for what is given. */
function alone(
  node: Level2Node,
  engine: StreamEngineOptions = {},
): { level: Level2; pool: RelayPool; events: EventHub<MillraceEvent> } {
  const options = resolveOptions({ key: KEY, level: '2', relays: [RELAY], accounts: [] });
  const entry = options.relays[0]!;
  const account = new Account(entry.account, options.accounts.get(entry.account)!);
  const events = new EventHub<MillraceEvent>();
  const pool = new RelayPool([new Relay(entry, new Level2Carrier(node), account)], events);
  const level = createLevel2({ options, pool, events, engine });
  level.addRelay(pool.relays[0]!, 'bytes');
  return { level, pool, events };
}

/** Requests of ten quiet minutes with so many idle streams. */
async function quietRequests(count: number): Promise<{ requests: number; most: number }> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const node = new Level2Node();
  const { tunnel, carrier } = open(node);
  const streams = Array.from({ length: count }, () => tunnel.connect({ host: 'h', port: 1 }));
  const opened = Promise.all(streams);
  await until(() => carrier.sent > 0);
  for (let round = 0; node.streams < count && round < 1_000; round += 1) await vi.advanceTimersByTimeAsync(10);
  await vi.advanceTimersByTimeAsync(60_000);
  await opened;
  const before = carrier.sent;
  carrier.mostInFlight = carrier.inFlight;
  await vi.advanceTimersByTimeAsync(600_000);
  const counted = { requests: carrier.sent - before, most: carrier.mostInFlight };
  expect(tunnel.stats().streams).toBe(count);
  const closing = tunnel.close();
  await vi.advanceTimersByTimeAsync(5_000);
  await closing;
  node.close();
  vi.useRealTimers();
  return counted;
}

describe('level 2', () => {
  test('1,000 idle streams cost no more requests than one, and one of them is held at a time', async () => {
    const one = await quietRequests(1);
    const many = await quietRequests(1_000);
    expect(many.requests).toBeLessThanOrEqual(one.requests + 1);
    expect(one.requests).toBeLessThanOrEqual(30);
    expect(many.most).toBeLessThanOrEqual(2);
  });

  test('without a stream nothing is sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(carrier.sent).toBe(0);
    await tunnel.close();
    node.close();
  });

  test('an account that is used up fails an open at once, with the code and until when', async () => {
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    carrier.handle = () => failed('RELAY_QUOTA_DAY', 'fake relay: no more today', false);
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({ code: 'RELAY_QUOTA_DAY' });
    const sent = carrier.sent;
    await expect(tunnel.connect({ host: 'h', port: 1 })).rejects.toMatchObject({
      code: 'RELAY_QUOTA_DAY',
      message: expect.stringContaining('UTC') as string,
    });
    expect(carrier.sent).toBe(sent);
    await tunnel.close();
    node.close();
  });

  test('to ask a relay that carries text alone shows that it does, and streams keep to it', async () => {
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    let refused = 0;
    carrier.handle = (body) => {
      // A body as text begins with `A`.
      if (body[0] === 0x41) return undefined;
      refused += 1;
      return failed('RELAY_HTML', 'fake relay: text only', true);
    };
    expect((await tunnel.probe())[0]).toMatchObject({ peer: { level: 2 } });
    const stream = await tunnel.connect({ host: 'h', port: 1 });
    expect(refused).toBe(1);
    stream.reset();
    await tunnel.close();
    node.close();
  });

  test('a relay that refuses both forms is told as one that refuses the level', async () => {
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    carrier.handle = () => failed('RELAY_AUTH', 'fake relay: 404', false);
    expect((await tunnel.probe())[0]).toMatchObject({ error: { code: 'PEER_VERSION' } });
    expect(carrier.sent).toBe(2);
    await tunnel.close();
    node.close();
  });

  test('a relay that cannot be reached fails an open after the usual tries', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    carrier.handle = () => failed('RELAY_OFFLINE', 'fake relay: not there', false);
    const opening = tunnel.connect({ host: 'h', port: 1 }).catch((error: unknown) => error);
    await until(() => carrier.sent > 0);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await opening).toMatchObject({ code: 'RELAY_OFFLINE' });
    expect(carrier.sent).toBeLessThanOrEqual(10);
    vi.useRealTimers();
    await tunnel.close();
    node.close();
  });

  test('a page now and then of a relay that works fails no open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    (await tunnel.connect({ host: 'h', port: 1 })).reset();
    let pages = 0;
    carrier.handle = (body) => {
      const asks = pages === 0 && Buffer.from(body).includes('other.test');
      if (!asks) return undefined;
      pages += 1;
      return failed('RELAY_HTML', 'fake relay: a page', true);
    };
    const opening = tunnel.connect({ host: 'other.test', port: 1 });
    await until(() => pages > 0);
    await vi.advanceTimersByTimeAsync(20_000);
    (await opening).reset();
    vi.useRealTimers();
    await tunnel.close();
    node.close();
  });

  test('an open that left in many requests at once survives that one of them came to nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const node = new Level2Node();
    const { tunnel, carrier } = open(node, { relays: [{ ...RELAY, maxRequestBytes: 8_192 }] });
    let opens = 0;
    carrier.handle = (body) => {
      if (!Buffer.from(body).includes('other.test')) return undefined;
      opens += 1;
      // The last of those that left together fails first.
      return opens === 5 ? failed('RELAY_NODE_DOWN', 'fake relay: refused', false) : undefined;
    };
    const opening = tunnel.connect({ host: 'other.test', port: 1, firstBytes: patternBytes(60_000, 1) });
    await until(() => opens > 4);
    await vi.advanceTimersByTimeAsync(20_000);
    (await opening).reset();
    vi.useRealTimers();
    await tunnel.close();
    node.close();
  });

  test('streams whose node is not heard of any more are cut, with the cause, and not before it may have forgotten them', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const node = new Level2Node();
    const { tunnel, carrier } = open(node);
    const opening = tunnel.connect({ host: 'h', port: 1 });
    await until(() => carrier.sent > 0);
    for (let round = 0; node.streams === 0 && round < 100; round += 1) await vi.advanceTimersByTimeAsync(10);
    const stream = await opening;
    let cut: unknown;
    stream.closed.catch((error: unknown) => {
      cut = error;
    });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(cut).toBeUndefined();
    carrier.handle = () => failed('RELAY_NODE_DOWN', 'fake relay: no node there', false);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(cut).toBeUndefined();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(cut).toMatchObject({
      code: 'RELAY_NODE_DOWN',
      message: expect.stringContaining('no node there') as unknown,
    });
    await tunnel.close();
    node.close();
  });

  test('first bytes that the engine has no room for yet arrive whole, and before what is written later', async () => {
    const got: Buffer[] = [];
    let ended = (): void => {};
    const whole = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const node = new Level2Node({
      onReadable: ({ engine, sid }) => {
        for (let bytes = engine.read(sid); bytes !== undefined; bytes = engine.read(sid)) {
          if (bytes === null) return ended();
          got.push(Buffer.from(bytes));
          engine.consume(sid, bytes.byteLength, performance.now());
        }
      },
    });
    const { level, pool, events } = alone(node, { sendBudgetBytes: 0, sendFloorBytes: 4_096 });
    const channel = new Channel(() => {});
    const record = new OpenRecord({ kind: 'stream', target: undefined, events, timing: false });
    const sent = patternBytes(30_000, 3);
    channel.writeFirst([sent.subarray(0, 20_000)]);
    level.openStream({ host: 'h', port: 1, channel, record });
    const writer = channel.stream.writable.getWriter();
    const closed = writer.write(sent.subarray(20_000)).then(() => writer.close());
    await whole;
    await closed;
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    channel.stream.reset();
    await level.close();
    await pool.close();
    node.close();
  });

  test('1,000 applications that are stalled both ways hold at least half of the bound at defaults, and never more than it', async () => {
    const KIB = 1024;
    const chunk = new Uint8Array(16 * KIB).fill(1);
    const fill = ({ engine, sid }: { engine: { write: (...args: never[]) => number }; sid: number }): void => {
      const write = engine.write.bind(engine) as (sid: number, bytes: Uint8Array, now: number) => number;
      while (write(sid, chunk, performance.now()) === chunk.length);
    };
    const node = new Level2Node({ onOpen: fill, onWritable: fill });
    const { level, pool, events } = alone(node);
    let most = 0;
    const look = (): void => {
      const { heldBytes, boundBytes } = level.stats().memory!;
      most = Math.max(most, heldBytes / boundBytes);
    };
    pool.onChange(look);
    const channels = Array.from({ length: 1_000 }, () => {
      const channel = new Channel(() => {});
      const record = new OpenRecord({ kind: 'stream', target: undefined, events, timing: false });
      level.openStream({ host: 'h', port: 1, channel, record });
      return channel;
    });
    await Promise.all(channels.map((channel) => channel.stream.opened));
    // Nobody reads at the node either: what it does not allow waits here.
    const given = new Uint8Array(512 * KIB);
    for (const channel of channels) {
      channel.stream.writable
        .getWriter()
        .write(given)
        .catch(() => {});
    }
    await until(() => {
      look();
      return most >= 0.5;
    });
    expect(most).toBeLessThanOrEqual(1);
    for (const channel of channels) channel.stream.reset();
    await level.close();
    await pool.close();
    node.close();
  });
});

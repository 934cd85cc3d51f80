import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import type { Fate } from './support/level2-client.js';
import { addClient, settled, startLevel2 } from './support/level2-node.js';
import { startClockedNode, startTestNode } from './support/node.js';
import { pattern, PatternCheck } from './support/pattern.js';
import { isPending } from './support/pending.js';
import { MIB } from './support/raw.js';
import { startTarget } from './support/target.js';

describe('time', () => {
  test('an idle stream lives as long as its client, and a client that is silent is forgotten', async () => {
    const test = await startClockedNode({ streamIdleSeconds: 300, clientIdleSeconds: 120 });
    const client = await addClient(test, { clock: test.clock });
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    // Ten minutes of held exchanges and nothing else.
    for (let second = 0; second < 600; second += 5) {
      await settled(test, client);
      test.clock.advance(5_000);
    }
    await stream.write('still here');
    expect(await peer.readText(10)).toBe('still here');
    client.stop();
    await eventually(() => test.node.stats().held === 0);
    test.clock.advance(119_000);
    expect(test.node.stats()).toMatchObject({ clients: 1, streams: 1 });
    test.clock.advance(1_001);
    expect(await peer.gone).toBe('reset');
    expect(test.node.stats()).toMatchObject({ clients: 0, streams: 0 });
    expect(test.events).toContainEqual(expect.objectContaining({ event: 'closed', code: 'CLIENT_GONE' }));
    expect(test.events.filter(({ event }) => event.startsWith('client-'))).toEqual([
      { event: 'client-known', client: 1 },
      { event: 'client-forgotten', client: 1, streams: 1, ms: expect.any(Number) },
    ]);
  });

  test('an exchange is held no longer than half the time after which its client would be forgotten', async () => {
    const test = await startClockedNode({ clientIdleSeconds: 10 });
    const client = await addClient(test, { clock: test.clock, path: { holdMs: 600_000, startHoldMs: 600_000 } });
    const target = await startTarget();
    const stream = client.open(target.port);
    await stream.opened;
    for (let second = 0; second < 60; second++) {
      await settled(test, client);
      test.clock.advance(1_000);
    }
    expect(test.node.stats()).toMatchObject({ clients: 1, streams: 1 });
  });
});

describe('restarts', () => {
  test('a new node cuts what the old one had, and takes new streams at once', async () => {
    const { client, node } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    await stream.write('before');
    const peer = await target.next();
    expect(await peer.readText(6)).toBe('before');
    await stream.opened;
    const next = await startTestNode();
    client.moveTo(next.node.url);
    await node.close();
    expect(await peer.gone).toBe('reset');
    expect(await stream.end).toBe('NODE_RESTARTED');
    const fresh = client.open(target.port);
    await fresh.write('after');
    const second = await target.next();
    expect(await second.readText(5)).toBe('after');
    expect(await fresh.opened).toBe('opened');
    expect(next.node.stats()).toMatchObject({ streams: 1, clients: 1 });
  });
});

describe('drain', () => {
  test('opens nothing more, lets streams go on, and ends when the last has ended', async () => {
    const { client, node, ...rest } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    const drained = node.drain();
    // A client that comes now is told at once, and not held.
    const late = await addClient({ node, ...rest });
    await late.post(late.encode({ n: 0, cid: late.cid, hold: 60_000, max: 4096 }));
    expect(await client.open(target.port).opened).toBe('NODE_BUSY');
    await stream.write('ask');
    expect(await peer.readText(3)).toBe('ask');
    await peer.write('tell');
    expect(await stream.readText(4)).toBe('tell');
    expect(await isPending(drained)).toBe(true);
    stream.finish();
    await peer.ended;
    peer.end();
    expect(await stream.read()).toBeNull();
    expect(await stream.end).toBe('closed');
    await drained;
    expect(node.stats()).toMatchObject({ streams: 0, held: 0, requests: 0 });
  });

  test('a held exchange does not hold up a drain when its client has no streams', async () => {
    const { client, node } = await startLevel2();
    const held = client.post(client.encode({ n: 0, cid: client.cid, hold: 60_000, max: 4096 }));
    await eventually(() => node.stats().held === 1);
    await node.drain();
    expect((await held).length).toBeGreaterThan(0);
  });

  test('streams that outlast it are cut, and their client hears of it in the exchange that it has open', async () => {
    const test = await startClockedNode({ drainSeconds: 5 });
    const client = await addClient(test, { clock: test.clock });
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    await settled(test, client);
    const drained = test.node.drain();
    test.clock.advance(5_000);
    expect(await stream.end).toBe('STREAM_CLOSED');
    expect(await peer.gone).toBe('reset');
    client.stop();
    await drained;
    expect(test.node.stats()).toMatchObject({ streams: 0, held: 0, requests: 0 });
  });

  test('close cuts held exchanges, streams and dials at once', async () => {
    const { client, node, events } = await startLevel2({ lookup: () => new Promise(() => {}) });
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    client.open(80, 'slow.example.org');
    await eventually(() => node.stats().opening === 1 && node.stats().held > 0);
    await node.close();
    expect(await peer.gone).toBe('reset');
    expect(node.stats()).toMatchObject({ streams: 0, opening: 0, clients: 0, held: 0, requests: 0, bufferedBytes: 0 });
    expect(events).toContainEqual(expect.objectContaining({ event: 'closed', code: 'STREAM_CLOSED' }));
    client.stop();
  });
});

describe('faults', () => {
  test.each<[string, (count: number) => Fate]>([
    ['every request comes twice, one after the other', () => 'again'],
    ['every request comes twice at once', () => 'twice-at-once'],
    ['every third answer is lost', (count) => (count % 3 === 2 ? 'lose-answer' : 'deliver')],
    ['every third request is lost', (count) => (count % 3 === 2 ? 'lose-request' : 'deliver')],
    [
      'a mix of all',
      (count) => (['deliver', 'again', 'lose-answer', 'deliver', 'twice-at-once', 'lose-request'] as const)[count % 6]!,
    ],
  ])('%s: targets are dialled once and get every byte once and in order', async (_, fate) => {
    const { client, node, events } = await startLevel2({}, { fate });
    const target = await startTarget();
    const bytes = MIB;
    await Promise.all(
      [1, 2, 3].map(async (seed) => {
        const stream = client.open(target.port);
        const [peer] = await Promise.all([target.next(), stream.write(pattern(seed, 0, 1))]);
        // Streams are dialled in any order: the first byte says whose this is.
        const first = await peer.read(1);
        const whose = [1, 2, 3].find((each) => pattern(each, 0, 1)[0] === first[0])!;
        const up = new PatternCheck(whose);
        up.push(first);
        const down = new PatternCheck(50);
        const send = async (): Promise<void> => {
          for (let at = 0; at < bytes; at += 16_384) await peer.write(pattern(50, at, 16_384));
          peer.end();
        };
        const receive = async (): Promise<void> => {
          while (up.bytes < bytes) up.push(await peer.readSome());
          await peer.ended;
        };
        const write = async (): Promise<void> => {
          for (let at = 1; at < bytes; at += 16_384)
            await stream.write(pattern(seed, at, Math.min(16_384, bytes - at)));
          stream.finish();
        };
        await Promise.all([send(), receive(), write(), stream.drain((piece) => down.push(piece))]);
        expect([up.bytes, down.bytes]).toEqual([bytes, bytes]);
      }),
    );
    expect(events.filter(({ event }) => event === 'dial')).toHaveLength(3);
    await eventually(() => node.stats().streams === 0);
  });
});

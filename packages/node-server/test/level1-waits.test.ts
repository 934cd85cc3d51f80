import { describe, expect, test } from 'vitest';
import { eventually, quiet } from './support/eventually.js';
import { b64, openStream, startClockedNode, startTestNode, text } from './support/node.js';
import { isPending } from './support/pending.js';
import { startTarget, startUdpTarget } from './support/target.js';

describe('how long a batch waits', () => {
  test('an active op waits 350 ms for its own stream, and no longer', async () => {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid, d: b64('ask') }]);
    await peer.read(3);
    await test.clock.scheduled(350);
    test.clock.advance(349);
    expect(await isPending(reply)).toBe(true);
    test.clock.advance(1);
    expect(await reply).toEqual([{ sid, eof: false }]);
  });

  test('an active op with seq waits 350 ms for its own stream, and no longer', async () => {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid, seq: 0, d: b64('ask') }]);
    await peer.read(3);
    await test.clock.scheduled(350);
    test.clock.advance(349);
    expect(await isPending(reply)).toBe(true);
    test.clock.advance(1);
    expect(await reply).toEqual([{ sid, eof: false, seq: 0 }]);
  });

  test('an active op waits for its own stream, not for a neighbour\u2019s', async () => {
    const test = await startTestNode();
    const asks = await openStream(test);
    const idle = await openStream(test);
    const reply = test.batch([
      { op: 'data', sid: asks.sid, d: b64('ask') },
      { op: 'data', sid: idle.sid },
    ]);
    await asks.peer.read(3);
    await idle.peer.write('push');
    await eventually(() => test.node.stats().bufferedBytes === 4);
    expect(await isPending(reply)).toBe(true);
    await asks.peer.write('tell');
    expect((await reply).map(text)).toEqual(['tell', 'push']);
  });

  test('an active op is answered at once when its stream has something already', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('early');
    await eventually(() => test.node.stats().bufferedBytes === 5);
    expect(await test.batch([{ op: 'data', sid, d: b64('ask') }])).toEqual([{ sid, d: b64('early'), eof: false }]);
  });

  test('an idle op beside a write waits at most 350 ms', async () => {
    const test = await startClockedNode();
    const asks = await openStream(test);
    const idle = await openStream(test);
    const reply = test.batch([
      { op: 'data', sid: idle.sid },
      { op: 'data', sid: idle.sid, seq: 0 },
      { op: 'data', sid: asks.sid, d: b64('ask') },
    ]);
    await asks.peer.read(3);
    await test.clock.scheduled(350, 2);
    test.clock.advance(350);
    expect((await reply).map(text)).toEqual(['', '', '']);
  });

  test('an idle op beside a connect waits no longer than the connect', async () => {
    const test = await startTestNode();
    const idle = await openStream(test);
    const target = await startTarget();
    const [poll, ordered, connect] = await test.batch([
      { op: 'data', sid: idle.sid },
      { op: 'data', sid: idle.sid, seq: 0 },
      { op: 'connect', host: '127.0.0.1', port: target.port },
    ]);
    expect([poll, ordered]).toEqual([
      { sid: idle.sid, eof: false },
      { sid: idle.sid, eof: false, seq: 0 },
    ]);
    expect(connect).toMatchObject({ eof: false, caps: 7 });
  });

  test('an idle op beside a datagram, a udp_open or a close does not poll long', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const idle = await openStream(test);
    const other = await openStream(test);
    const udp = await startUdpTarget();
    const poll = { op: 'data', sid: idle.sid };
    const [, opened] = await test.batch([poll, { op: 'udp_open', host: '127.0.0.1', port: udp.port }]);
    await test.batch([poll, { op: 'udp_data', sid: opened!['sid'], d: b64('x') }]);
    await test.batch([poll, { op: 'close', sid: other.sid }]);
    await test.batch([poll, { op: 'version' }]);
    await test.batch([poll, { op: 'teleport' }]);
    await test.batch([poll, { op: 'data', sid: 'unknown' }]);
    expect(test.node.stats().streams).toBe(1);
  });

  test('an all-idle batch polls for 15 seconds', async () => {
    const test = await startClockedNode();
    const { sid } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid }]);
    await test.clock.scheduled(15_000);
    test.clock.advance(14_999);
    expect(await isPending(reply)).toBe(true);
    test.clock.advance(1);
    expect(await reply).toEqual([{ sid, eof: false }]);
  });

  test('an all-idle batch polls for less where the node is told so', async () => {
    const test = await startClockedNode({ longPollMs: 4_000 });
    const { sid } = await openStream(test);
    const reply = test.batch([
      { op: 'data', sid },
      { op: 'data', sid, seq: 0 },
    ]);
    await test.clock.scheduled(4_000);
    test.clock.advance(4_000);
    expect(await reply).toEqual([
      { sid, eof: false },
      { sid, eof: false, seq: 0 },
    ]);
  });

  test('an all-idle batch is answered as soon as one of its streams has something', async () => {
    const test = await startTestNode();
    const streams = [await openStream(test), await openStream(test), await openStream(test)];
    const reply = test.batch(
      streams.map(({ sid }, n) => (n === 0 ? { op: 'data', sid, seq: 0 } : { op: 'data', sid })),
    );
    await eventually(() => test.node.stats().requests === 1);
    await streams[2]!.peer.write('push');
    expect((await reply).map(text)).toEqual(['', '', 'push']);
  });

  test('a push wakes every batch that waits for the stream', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const replies = Array.from({ length: 5 }, () => test.batch([{ op: 'data', sid }]));
    await eventually(() => test.node.stats().requests === 5);
    await peer.write('push');
    const said = (await Promise.all(replies)).map(([reply]) => text(reply));
    expect(said.toSorted()).toEqual(['', '', '', '', 'push']);
  });

  test('an end and a reset wake a batch as bytes do', async () => {
    const test = await startTestNode();
    const ends = await openStream(test);
    const resets = await openStream(test);
    const end = test.batch([{ op: 'data', sid: ends.sid }]);
    const reset = test.batch([{ op: 'data', sid: resets.sid }]);
    await eventually(() => test.node.stats().requests === 2);
    ends.peer.end();
    resets.peer.reset();
    expect(await end).toEqual([{ sid: ends.sid, eof: true }]);
    expect(await reset).toMatchObject([{ code: 'TARGET_RESET' }]);
  });

  test('a batch that names a stream fifty times watches it once', async () => {
    const test = await startTestNode({}, { limits: { maxWatchers: 1 } });
    const { sid, peer } = await openStream(test);
    const replies = test.batch(Array.from({ length: 50 }, () => ({ op: 'data', sid })));
    await eventually(() => test.node.stats().requests === 1);
    await peer.write('once');
    expect((await replies).map(text).join('')).toBe('once');
  });

  test('more batches than a bound may not wait for one stream', async () => {
    const test = await startTestNode({}, { limits: { maxWatchers: 3 } });
    const { sid, peer } = await openStream(test);
    const waiting = Array.from({ length: 3 }, () => test.batch([{ op: 'data', sid }]));
    await eventually(() => test.node.stats().requests === 3);
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, e: expect.any(String), code: 'QUEUE_FULL' }]);
    await peer.write('x');
    await Promise.all(waiting);
  });

  test('a slow dial holds up nobody in another batch', async () => {
    const test = await startTestNode({ lookup: () => new Promise(() => {}) });
    const { sid, peer } = await openStream(test);
    const client = new AbortController();
    const dial = test.batch([{ op: 'connect', host: 'slow.example.org', port: 80 }], client.signal);
    await eventually(() => test.node.stats().opening === 1);
    await peer.write('x');
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, d: b64('x'), eof: false }]);
    client.abort();
    await expect(dial).rejects.toThrow();
    await eventually(() => test.node.stats().opening === 0);
  });
});

describe('stragglers', () => {
  /** A request whose first bytes have come: it settles. */
  async function settling(op: object) {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid, d: b64('ask'), ...op }]);
    await peer.read(3);
    await peer.write('0');
    await test.clock.scheduled(10);
    /** Sends a piece and waits until the node has it. */
    const push = async (piece: string): Promise<void> => {
      const { bufferedBytes } = test.node.stats();
      await peer.write(piece);
      await eventually(() => test.node.stats().bufferedBytes === bufferedBytes + piece.length);
    };
    return { ...test, sid, peer, reply, push };
  }

  test.each([
    ['an op without seq', {}],
    ['an op with seq', { seq: 0 }],
  ])('%s is answered after the first step of 10 ms that brings nothing', async (_, op) => {
    const { clock, reply, push } = await settling(op);
    for (const piece of ['1', '2', '3']) {
      await push(piece);
      clock.advance(10);
      await clock.scheduled(10);
    }
    clock.advance(9);
    expect(await isPending(reply)).toBe(true);
    clock.advance(1);
    expect(text((await reply)[0])).toBe('0123');
  });

  test.each([
    ['an op without seq', {}],
    ['an op with seq', { seq: 0 }],
  ])('%s settles for one second at most', async (_, op) => {
    const { clock, reply, push } = await settling(op);
    for (let step = 1; step <= 100; step++) {
      await push('.');
      expect(await isPending(reply)).toBe(true);
      await clock.scheduled(10);
      clock.advance(10);
    }
    expect(text((await reply)[0])).toBe(`0${'.'.repeat(100)}`);
  });

  test('a neighbour that answers within the steps comes along', async () => {
    const test = await startClockedNode();
    const asks = await openStream(test);
    const idle = await openStream(test);
    const reply = test.batch([
      { op: 'data', sid: asks.sid, d: b64('ask') },
      { op: 'data', sid: idle.sid },
    ]);
    await asks.peer.read(3);
    await asks.peer.write('tell');
    await test.clock.scheduled(10);
    await idle.peer.write('too');
    await eventually(() => test.node.stats().bufferedBytes === 7);
    test.clock.advance(10);
    await test.clock.scheduled(10);
    test.clock.advance(10);
    expect((await reply).map(text)).toEqual(['tell', 'too']);
  });

  test('nothing settles when nothing came', async () => {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid, d: b64('ask') }]);
    await peer.read(3);
    await test.clock.scheduled(350);
    test.clock.advance(350);
    expect(await reply).toEqual([{ sid, eof: false }]);
    expect(test.clock.count(10)).toBe(0);
  });

  test('nothing settles when the target has ended: there is nothing more to come', async () => {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid, d: b64('ask') }]);
    await peer.read(3);
    peer.socket.end('bye');
    let said = '';
    for (let replies = await reply; ; replies = await test.batch([{ op: 'data', sid }])) {
      said += text(replies[0]);
      if (replies[0]!['eof'] === true) break;
    }
    expect(said).toBe('bye');
    await quiet();
  });

  test('a poll does not settle', async () => {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid }]);
    await test.clock.scheduled(15_000);
    await peer.write('push');
    expect(await reply).toEqual([{ sid, d: b64('push'), eof: false }]);
  });
});

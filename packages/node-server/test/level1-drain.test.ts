import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, KEY, openStream, type Reply, startClockedNode, startTestNode, type TestNode } from './support/node.js';
import { isPending } from './support/pending.js';
import type { Peer } from './support/target.js';

const MIB = 1024 * 1024;

/** Bytes that tell their place: no window of them is equal to another near by. */
function pattern(length: number, seed: number): Buffer {
  const block = createHash('sha512').update(String(seed)).digest();
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4)
    bytes.writeUInt32LE((at * 2_654_435_761 + block.readUInt32LE(at % 60)) >>> 0, at);
  return bytes;
}

const bytesOf = (reply: Reply | undefined): Buffer => Buffer.from((reply?.['d'] as string | undefined) ?? '', 'base64');

/** Has the target send bytes, and waits until the node holds all of them. */
async function fill(test: TestNode, peer: Peer, bytes: Buffer): Promise<void> {
  const before = test.node.stats().bufferedBytes;
  peer.socket.write(bytes);
  await eventually(() => test.node.stats().bufferedBytes === before + bytes.length);
}

describe('what a drain takes', () => {
  test('a drain takes at most 16 MiB of a stream and keeps the tail, to the byte', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const bytes = pattern(20 * MIB, 1);
    peer.socket.write(bytes);
    await eventually(() => test.node.stats().bufferedBytes >= 16 * MIB);
    const [first] = await test.batch([{ op: 'data', sid }]);
    expect(bytesOf(first).length).toBe(16 * MIB);
    const got = [bytesOf(first)];
    while (Buffer.concat(got).length < bytes.length) got.push(bytesOf((await test.batch([{ op: 'data', sid }]))[0]));
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
  });

  test('eof is withheld while bytes remain', async () => {
    const test = await startTestNode();
    const streams = [await openStream(test), await openStream(test), await openStream(test)];
    const bytes = pattern(12 * MIB, 2);
    for (const { peer } of streams) {
      await fill(test, peer, bytes);
      peer.end();
      await eventually(() => peer.socket.writableFinished);
    }
    // 12 + 12 + 8 MiB: the third keeps 4, and with them its end.
    const replies = await test.batch(streams.map(({ sid }) => ({ op: 'data', sid })));
    expect(replies.map((reply) => bytesOf(reply).length)).toEqual([12 * MIB, 12 * MIB, 8 * MIB]);
    expect(replies[2]!['eof']).toBe(false);
    const tail: Buffer[] = [];
    for (let eof: unknown = false; eof !== true;) {
      const [reply] = await test.batch([{ op: 'data', sid: streams[2]!.sid }]);
      tail.push(bytesOf(reply));
      eof = reply!['eof'];
    }
    expect(Buffer.concat([bytesOf(replies[2]), ...tail]).equals(bytes)).toBe(true);
  });

  test('a batch drains at most 32 MiB, answers every op all the same, and loses nothing', async () => {
    const test = await startTestNode();
    const streams = [];
    for (let n = 0; n < 4; n++) streams.push({ ...(await openStream(test)), bytes: pattern(10 * MIB, n) });
    for (const { peer, bytes } of streams) await fill(test, peer, bytes);
    const ops = streams.map(({ sid }) => ({ op: 'data', sid }));
    const first = await test.batch(ops);
    expect(first.map((reply) => bytesOf(reply).length)).toEqual([10 * MIB, 10 * MIB, 10 * MIB, 2 * MIB]);
    expect(first.every(({ eof }) => eof === false)).toBe(true);
    const second = await test.batch(ops);
    expect(second.map((reply) => bytesOf(reply).length)).toEqual([0, 0, 0, 8 * MIB]);
    for (const [n, { bytes }] of streams.entries()) {
      expect(Buffer.concat([bytesOf(first[n]), bytesOf(second[n])]).equals(bytes)).toBe(true);
    }
  });

  test('ordered and plain drains share the bound of the batch', async () => {
    const test = await startTestNode();
    const ordered = [await openStream(test), await openStream(test)];
    const plain = [await openStream(test), await openStream(test)];
    for (const { peer } of [...ordered, ...plain]) await fill(test, peer, pattern(12 * MIB, 7));
    const replies = await test.batch([
      ...plain.map(({ sid }) => ({ op: 'data', sid })),
      ...ordered.map(({ sid }) => ({ op: 'data', sid, seq: 0 })),
    ]);
    const sizes = replies.map((reply) => bytesOf(reply).length / MIB);
    // Ordered drains run in their turn, plain ones when the answer is written.
    expect(sizes).toEqual([8, 0, 12, 12]);
    expect(replies.every(({ eof }) => eof === false)).toBe(true);
  });

  test('bytes are taken only when the answer is about to be written: a client that has gone before loses none', async () => {
    const test = await startTestNode();
    const waits = await openStream(test);
    const { sid, peer } = await openStream(test);
    const client = new AbortController();
    // The batch is held up by an op whose turn does not come; its plain poll has bytes meanwhile.
    const gone = test.batch(
      [
        { op: 'data', sid: waits.sid, seq: 1, d: b64('x') },
        { op: 'data', sid },
      ],
      client.signal,
    );
    await eventually(() => test.node.stats().requests === 1);
    await fill(test, peer, Buffer.from('kept'));
    client.abort();
    await expect(gone).rejects.toThrow();
    await test.batch([{ op: 'close', sid: waits.sid }]);
    await eventually(() => test.node.stats().requests === 0);
    expect(bytesOf((await test.batch([{ op: 'data', sid }]))[0]).toString()).toBe('kept');
  });

  test('a stream whose bytes were lost with an answer is broken, not continued with a hole', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await fill(test, peer, pattern(16 * MIB, 3));
    const url = new URL(test.node.url);
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    const body = JSON.stringify({ k: KEY, ops: [{ op: 'data', sid }] });
    socket.write(`POST /tunnel/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    // The answer has begun and is far from done when the client goes.
    await new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.resetAndDestroy();
    expect(await peer.gone).toBe('reset');
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, e: expect.any(String), code: 'RELAY_TRUNCATED' }]);
    await eventually(() => test.node.stats().bufferedBytes === 0);
  });

  test('a stream that was opened for a client that has gone is closed', async () => {
    const resolvers: Array<() => void> = [];
    const test = await startTestNode({
      lookup: () => new Promise((resolve) => resolvers.push(() => resolve([{ address: '127.0.0.1', family: 4 }]))),
    });
    const { target } = await openStream(test);
    const client = new AbortController();
    const gone = test.batch(
      [
        { op: 'connect', host: 'a.example.org', port: target.port },
        { op: 'connect', host: '127.0.0.1', port: target.port },
      ],
      client.signal,
    );
    const peer = await target.next();
    await eventually(() => resolvers.length === 1);
    client.abort();
    await expect(gone).rejects.toThrow();
    expect(await peer.gone).toBe('reset');
    await eventually(() => test.node.stats().opening === 0);
    expect(test.node.stats().streams).toBe(1);
  });
});

describe('backpressure', () => {
  test('a target is no longer read once its stream holds 16 MiB, and read on when it is drained', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const block = pattern(MIB, 4);
    let sent = 0;
    const pump = (): void => {
      while (peer.socket.write(block)) sent += block.length;
      sent += block.length;
      peer.socket.once('drain', pump);
    };
    pump();
    await eventually(() => test.node.stats().bufferedBytes >= 16 * MIB);
    // What the node holds and what fits into the system's buffers: then the target's writes stop for good.
    let last = -1;
    while (last !== peer.socket.bytesWritten) {
      last = peer.socket.bytesWritten;
      await isPending(new Promise(() => {}));
    }
    const held = test.node.stats().bufferedBytes;
    expect(held).toBeGreaterThanOrEqual(16 * MIB);
    expect(held).toBeLessThanOrEqual(16 * MIB + 65_536);
    const [reply] = await test.batch([{ op: 'data', sid }]);
    expect(bytesOf(reply).length).toBe(16 * MIB);
    expect(bytesOf(reply).subarray(0, MIB).equals(block)).toBe(true);
    await eventually(() => test.node.stats().bufferedBytes >= 16 * MIB);
  });

  test('all streams together hold maxBufferedBytes and a floor each, and read on when one is drained', async () => {
    const test = await startTestNode({ maxBufferedBytes: 16 * MIB });
    const a = await openStream(test);
    const b = await openStream(test);
    await fill(test, a.peer, pattern(15 * MIB, 5));
    const bytes = pattern(8 * MIB, 6);
    b.peer.socket.write(bytes);
    await eventually(() => test.node.stats().bufferedBytes >= 16 * MIB);
    await isPending(new Promise(() => {}));
    expect(test.node.stats().bufferedBytes).toBeLessThanOrEqual(16 * MIB + 2 * 131_072);
    await test.batch([{ op: 'data', sid: a.sid }]);
    await eventually(() => test.node.stats().bufferedBytes === bytes.length);
    expect(bytesOf((await test.batch([{ op: 'data', sid: b.sid }]))[0]).equals(bytes)).toBe(true);
  });

  test('a stream below its floor is read although all others are full', async () => {
    const test = await startTestNode({ maxBufferedBytes: 16 * MIB });
    const a = await openStream(test);
    await fill(test, a.peer, pattern(16 * MIB, 8));
    const b = await openStream(test);
    await b.peer.write('small');
    expect(bytesOf((await test.batch([{ op: 'data', sid: b.sid }]))[0]).toString()).toBe('small');
  });

  test('a target that does not read holds up its writes, not its node: beyond a bound they wait', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test, { paused: true });
    const bytes = pattern(24 * MIB, 9);
    const reply = test.batch([{ op: 'data', sid, d: b64(bytes) }]);
    await eventually(() => test.node.stats().bufferedBytes >= 4 * MIB - 65_536);
    expect(await isPending(reply)).toBe(true);
    expect(test.node.stats().bufferedBytes).toBeLessThanOrEqual(4 * MIB);
    peer.socket.resume();
    expect(await reply).toEqual([{ sid, eof: false }]);
    expect((await peer.read(bytes.length)).equals(bytes)).toBe(true);
  });

  test('a write that waits too long for a target that does not read is TARGET_STALLED, and the target sees a reset', async () => {
    const test = await startClockedNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test, { paused: true });
    const reply = test.batch([{ op: 'data', sid, seq: 0, d: b64(pattern(24 * MIB, 9)) }]);
    await test.clock.scheduled(30_000);
    let last = -1;
    while (last !== test.node.stats().bufferedBytes || test.clock.count(30_000) === 0) {
      last = test.node.stats().bufferedBytes;
      await isPending(new Promise(() => {}));
    }
    test.clock.advance(30_000);
    expect(await reply).toEqual([{ sid, e: expect.any(String), code: 'TARGET_STALLED', seq: 0 }]);
    expect(await test.batch([{ op: 'data', sid, seq: 1 }])).toMatchObject([{ code: 'TARGET_STALLED', seq: 1 }]);
    peer.socket.resume();
    expect(await peer.gone).toBe('reset');
    await eventually(() => test.node.stats().bufferedBytes === 0);
  });
});

import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, openStream, type Reply, startClockedNode, startTestNode, text } from './support/node.js';
import { isPending } from './support/pending.js';
import { startTarget } from './support/target.js';

/** Ops that wait for their turn or for bytes, as far as requests show it. */
const requests = (test: { node: { stats(): { requests: number } } }, count: number): Promise<void> =>
  eventually(() => test.node.stats().requests === count);

describe('ops with seq', () => {
  test('the reply to connect and connect_data, single or batched, shows capability bit 0', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const target = await startTarget();
    const to = { host: '127.0.0.1', port: target.port };
    const replies = [
      ...(await test.batch([
        { op: 'connect', ...to },
        { op: 'connect_data', ...to, d: b64('x') },
      ])),
      await test.single({ op: 'connect', ...to }),
      await test.single({ op: 'connect_data', ...to, data: b64('x') }),
    ];
    expect(replies.map(({ caps }) => (caps as number) & 1)).toEqual([1, 1, 1, 1]);
  });

  test.each([
    ['in order', [0, 1]],
    ['in reverse', [1, 0]],
  ])('two ops of a stream in two requests that come %s are written and answered in seq order', async (_, order) => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    const pieces = ['first ', 'second'];
    const replies: Array<Promise<Reply[]>> = [];
    for (const [at, seq] of order.entries()) {
      replies.push(test.batch([{ op: 'data', sid, seq, d: b64(pieces[seq]!) }]));
      // The other one is sent when this one is known to be there: at the target, or waiting.
      if (at === 0) await (seq === 0 ? replies[0] : requests(test, 1));
    }
    expect(await peer.readText(12)).toBe('first second');
    const all = await Promise.all(replies);
    expect(all.map(([reply]) => reply!['seq'])).toEqual(order);
  });

  test('two ops of a stream in one batch in reverse order are run in seq order', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    const replies = await test.batch([
      { op: 'data', sid, seq: 1, d: b64('second') },
      { op: 'data', sid, seq: 0, d: b64('first ') },
    ]);
    expect(replies.map(({ seq }) => seq)).toEqual([1, 0]);
    expect(await peer.readText(12)).toBe('first second');
  });

  test('what the target sends is split over the replies in seq order', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const second = test.batch([{ op: 'data', sid, seq: 1 }]);
    await requests(test, 1);
    const first = test.batch([{ op: 'data', sid, seq: 0 }]);
    await requests(test, 2);
    await peer.write('one');
    expect(await first).toEqual([{ sid, d: b64('one'), eof: false, seq: 0 }]);
    expect(await isPending(second)).toBe(true);
    await peer.write('two');
    expect(await second).toEqual([{ sid, d: b64('two'), eof: false, seq: 1 }]);
  });

  test('an op holds the turn over its whole write and drain: the next one writes only after its reply is made', async () => {
    const test = await startClockedNode({ settleMaxMs: 0 });
    const { sid, peer } = await openStream(test);
    const first = test.batch([{ op: 'data', sid, seq: 0, d: b64('a') }]);
    expect(await peer.readText(1)).toBe('a');
    await test.clock.scheduled(350);
    // A poll has nothing to write, so the op before it goes on waiting for its answer.
    const second = test.batch([{ op: 'data', sid, seq: 1 }]);
    await test.clock.scheduled(30_000);
    await peer.write('answer to a');
    expect(text((await first)[0])).toBe('answer to a');
    await peer.write('more');
    expect(text((await second)[0])).toBe('more');
  });

  test('an op stops waiting for its answer when the next one has bytes to write', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const replies = [0, 1, 2, 3].map((seq) => test.batch([{ op: 'data', sid, seq, d: b64(`${seq}`) }]));
    expect(await peer.readText(4)).toBe('0123');
    expect((await Promise.all(replies.slice(0, 3))).map(([reply]) => reply)).toEqual(
      [0, 1, 2].map((seq) => ({ sid, eof: false, seq })),
    );
    await peer.write('done');
    expect(await replies[3]).toEqual([{ sid, d: b64('done'), eof: false, seq: 3 }]);
  });

  test('a poll that waits long gives way to a write of its stream', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const poll = test.batch([{ op: 'data', sid, seq: 0 }]);
    await requests(test, 1);
    const write = test.batch([{ op: 'data', sid, seq: 1, d: b64('typed') }]);
    expect(await peer.readText(5)).toBe('typed');
    expect(await poll).toEqual([{ sid, eof: false, seq: 0 }]);
    await peer.write('echo');
    expect(await write).toEqual([{ sid, d: b64('echo'), eof: false, seq: 1 }]);
  });

  test('a seq that was done is an error on that op and costs the others nothing', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    await test.batch([{ op: 'data', sid, seq: 0, d: b64('a') }]);
    const replies = await test.batch([
      { op: 'data', sid, seq: 0, d: b64('again') },
      { op: 'data', sid, seq: 1, d: b64('b') },
      { op: 'data', sid, seq: 1, d: b64('again') },
    ]);
    expect(replies).toEqual([
      { sid, e: expect.any(String), code: 'SEQ_REPEATED', seq: 0 },
      { sid, eof: false, seq: 1 },
      { sid, e: expect.any(String), code: 'SEQ_REPEATED', seq: 1 },
    ]);
    await test.batch([{ op: 'close', sid }]);
    await peer.ended;
    expect(await peer.readText(peer.waiting)).toBe('ab');
  });

  test('a seq that waits or runs is an error when it comes again', async () => {
    const test = await startTestNode();
    const { sid } = await openStream(test);
    void test.batch([{ op: 'data', sid, seq: 0 }]);
    void test.batch([{ op: 'data', sid, seq: 2 }]);
    await requests(test, 2);
    const again = await test.batch([
      { op: 'data', sid, seq: 0 },
      { op: 'data', sid, seq: 2 },
    ]);
    expect(again.map(({ code }) => code)).toEqual(['SEQ_REPEATED', 'SEQ_REPEATED']);
    await test.batch([{ op: 'close', sid }]);
  });

  test('a seq whose turn does not come within 30 seconds is an error and does not advance', async () => {
    const test = await startClockedNode({ activeDrainMs: 0, settleMaxMs: 0 });
    const { sid, peer } = await openStream(test);
    const late = test.batch([{ op: 'data', sid, seq: 1, d: b64('b') }]);
    await test.clock.scheduled(30_000);
    test.clock.advance(29_999);
    expect(await isPending(late)).toBe(true);
    test.clock.advance(1);
    expect(await late).toEqual([{ sid, e: expect.any(String), code: 'SEQ_TIMEOUT', seq: 1 }]);
    // Nothing advanced: 0 is next, and then 1, which may come again.
    for (const [seq, piece] of ['a', 'B'].entries()) {
      const reply = test.batch([{ op: 'data', sid, seq, d: b64(piece) }]);
      expect(await peer.readText(1)).toBe(piece);
      expect(await reply).toEqual([{ sid, eof: false, seq }]);
    }
  });

  test('expected advances also when the write fails', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    peer.reset();
    await test.batch([{ op: 'data', sid }]);
    const failed = { sid, e: expect.any(String), code: 'TARGET_RESET' };
    expect(await test.batch([{ op: 'data', sid, seq: 0, d: b64('x') }])).toEqual([{ ...failed, seq: 0 }]);
    expect(await test.batch([{ op: 'data', sid, seq: 1, d: b64('x') }])).toEqual([{ ...failed, seq: 1 }]);
    expect(await test.batch([{ op: 'data', sid, seq: 1 }])).toEqual([
      { sid, e: expect.any(String), code: 'SEQ_REPEATED', seq: 1 },
    ]);
  });

  test('an op that waits for its turn when the write before it fails has its turn', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    peer.reset();
    await test.batch([{ op: 'data', sid }]);
    const second = test.batch([{ op: 'data', sid, seq: 1, d: b64('x') }]);
    await requests(test, 1);
    await test.batch([{ op: 'data', sid, seq: 0, d: b64('x') }]);
    expect(await second).toEqual([{ sid, e: expect.any(String), code: 'TARGET_RESET', seq: 1 }]);
  });

  test('base64 that cannot be decoded uses up no seq', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    expect(await test.batch([{ op: 'data', sid, seq: 0, d: '###' }])).toEqual([
      { sid, e: expect.any(String), code: 'BASE64_INVALID', seq: 0 },
    ]);
    expect(await test.batch([{ op: 'data', sid, seq: 0, d: b64('good') }])).toEqual([{ sid, eof: false, seq: 0 }]);
    expect(await peer.readText(4)).toBe('good');
  });

  test('seq counts data ops only: connects, closes and polls without it use up none', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    await peer.write('x');
    await test.batch([{ op: 'data', sid }, { op: 'version' }]);
    expect(await test.batch([{ op: 'data', sid, seq: 0, d: b64('a') }])).toMatchObject([{ seq: 0, eof: false }]);
  });

  test('in a batch, a stream that has nothing to do with a seq that waits is written and drained at once', async () => {
    const test = await startTestNode();
    const waits = await openStream(test);
    const plain = await openStream(test);
    const replies = test.batch([
      { op: 'data', sid: waits.sid, seq: 1, d: b64('later') },
      { op: 'data', sid: plain.sid, d: b64('now') },
    ]);
    expect(await plain.peer.readText(3)).toBe('now');
    await plain.peer.write('answer');
    expect(await isPending(replies)).toBe(true);
    const first = test.batch([{ op: 'data', sid: waits.sid, seq: 0, d: b64('sooner ') }]);
    expect(await waits.peer.readText(12)).toBe('sooner later');
    await waits.peer.write('done');
    await first;
    expect((await replies).map(text)).toEqual(['done', 'answer']);
  });

  test('other batches never wait for a seq that is missing', async () => {
    const test = await startTestNode();
    const waits = await openStream(test);
    const other = await openStream(test);
    const stuck = test.batch([{ op: 'data', sid: waits.sid, seq: 5, d: b64('x') }]);
    await requests(test, 1);
    const reply = test.batch([{ op: 'data', sid: other.sid, seq: 0, d: b64('ask') }]);
    await other.peer.read(3);
    await other.peer.write('tell');
    expect(await reply).toEqual([{ sid: other.sid, d: b64('tell'), eof: false, seq: 0 }]);
    expect(await isPending(stuck)).toBe(true);
    await test.batch([{ op: 'close', sid: waits.sid }]);
    await stuck;
  });

  test('a batch that has something to tell is not held up by a long poll of another batch', async () => {
    const test = await startTestNode();
    const a = await openStream(test);
    const b = await openStream(test);
    const holder = test.batch([{ op: 'data', sid: a.sid, seq: 0 }]);
    await requests(test, 1);
    const follower = test.batch([
      { op: 'data', sid: a.sid, seq: 1 },
      { op: 'data', sid: b.sid, seq: 0 },
    ]);
    await requests(test, 2);
    await b.peer.write('push');
    expect(await follower).toEqual([
      { sid: a.sid, eof: false, seq: 1 },
      { sid: b.sid, d: b64('push'), eof: false, seq: 0 },
    ]);
    expect(await holder).toEqual([{ sid: a.sid, eof: false, seq: 0 }]);
  });

  test('two batches whose polls stand crosswise before each other both end when something comes', async () => {
    const test = await startTestNode();
    const a = await openStream(test);
    const b = await openStream(test);
    const one = test.batch([
      { op: 'data', sid: a.sid, seq: 0 },
      { op: 'data', sid: b.sid, seq: 1 },
    ]);
    const two = test.batch([
      { op: 'data', sid: b.sid, seq: 0 },
      { op: 'data', sid: a.sid, seq: 1 },
    ]);
    await requests(test, 2);
    await a.peer.write('push');
    const [[a0, b1], [b0, a1]] = await Promise.all([one, two]);
    expect(text(a0)).toBe('push');
    expect([a1, b0, b1].map(text)).toEqual(['', '', '']);
  });

  test('polls end with the node\u2019s own patience before the turn of those behind them is too late', async () => {
    const test = await startClockedNode({ longPollMs: 120_000 });
    const { sid } = await openStream(test);
    const first = test.batch([{ op: 'data', sid, seq: 0 }]);
    const second = test.batch([{ op: 'data', sid, seq: 1 }]);
    await test.clock.scheduled(15_000, 2);
    test.clock.advance(15_000);
    expect(await first).toEqual([{ sid, eof: false, seq: 0 }]);
    expect(await second).toEqual([{ sid, eof: false, seq: 1 }]);
  });

  test('more ops than a bound may not wait for their turn', async () => {
    const test = await startTestNode({}, { limits: { maxWaitingSeq: 3 } });
    const { sid } = await openStream(test);
    const waiting = test.batch([1, 2, 3].map((seq) => ({ op: 'data', sid, seq })));
    await requests(test, 1);
    expect(await test.batch([{ op: 'data', sid, seq: 4 }])).toEqual([
      { sid, e: expect.any(String), code: 'QUEUE_FULL', seq: 4 },
    ]);
    await test.batch([{ op: 'close', sid }]);
    await waiting;
  });

  test('an op whose client has gone is still written and advances, and takes no bytes from the next', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    const client = new AbortController();
    const gone = test.batch([{ op: 'data', sid, seq: 0, d: b64('asked') }], client.signal);
    await peer.read(5);
    client.abort();
    await expect(gone).rejects.toThrow();
    await requests(test, 0);
    await peer.write('answer');
    expect(await test.batch([{ op: 'data', sid, seq: 1 }])).toEqual([{ sid, d: b64('answer'), eof: false, seq: 1 }]);
  });
});

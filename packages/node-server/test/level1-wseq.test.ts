import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, openStream, type Reply, startTestNode } from './support/node.js';

describe('ops with wseq', () => {
  test('wseq alone orders writes only: each op is answered at once', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    expect(await test.batch([{ op: 'data', sid, wseq: 2, d: b64('c') }])).toEqual([{ sid, eof: false }]);
    expect(await test.batch([{ op: 'data', sid, wseq: 1, d: b64('b') }])).toEqual([{ sid, eof: false }]);
    expect(test.node.stats().bufferedBytes).toBe(2);
    expect(await test.batch([{ op: 'data', sid, wseq: 0, d: b64('a') }])).toEqual([{ sid, eof: false }]);
    expect(await peer.readText(3)).toBe('abc');
    await eventually(() => test.node.stats().bufferedBytes === 0);
  });

  test('an op whose write waits for an earlier wseq drains all the same', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await peer.write('pushed');
    expect(await test.batch([{ op: 'data', sid, wseq: 1, d: b64('b') }])).toEqual([
      { sid, d: b64('pushed'), eof: false },
    ]);
  });

  test('32 writes wait for an earlier wseq, and one more is an error', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    const write = (wseq: number): Reply => ({ op: 'data', sid, wseq, d: b64(String.fromCharCode(65 + wseq)) });
    const waiting = await test.batch(Array.from({ length: 32 }, (_, n) => write(n + 1)));
    expect(waiting.every((reply) => reply['e'] === undefined)).toBe(true);
    expect(await test.batch([write(33)])).toEqual([{ sid, e: expect.any(String), code: 'WRITES_WAITING' }]);
    await test.batch([write(0)]);
    expect(await peer.readText(33)).toBe(Array.from({ length: 33 }, (_, n) => String.fromCharCode(65 + n)).join(''));
  });

  test('16 MiB of writes wait for an earlier wseq, and one byte more is an error', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid } = await openStream(test);
    const half = b64(Buffer.alloc(8 * 1024 * 1024, 'x'));
    expect(await test.batch([{ op: 'data', sid, wseq: 1, d: half }])).toEqual([{ sid, eof: false }]);
    expect(await test.batch([{ op: 'data', sid, wseq: 2, d: half }])).toEqual([{ sid, eof: false }]);
    expect(await test.batch([{ op: 'data', sid, wseq: 3, d: b64('x') }])).toMatchObject([{ code: 'WRITES_WAITING' }]);
    expect(test.node.stats().bufferedBytes).toBe(16 * 1024 * 1024);
    await test.batch([{ op: 'close', sid }]);
    await eventually(() => test.node.stats().bufferedBytes === 0);
  });

  test('a wseq that came before is an error on that op', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid } = await openStream(test);
    await test.batch([
      { op: 'data', sid, wseq: 0, d: b64('a') },
      { op: 'data', sid, wseq: 2, d: b64('c') },
    ]);
    const replies = await test.batch([
      { op: 'data', sid, wseq: 0, d: b64('a') },
      { op: 'data', sid, wseq: 2, d: b64('c') },
    ]);
    expect(replies.map(({ code }) => code)).toEqual(['SEQ_REPEATED', 'SEQ_REPEATED']);
  });

  test('beside seq, wseq is ignored', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    await test.batch([{ op: 'data', sid, seq: 0, wseq: 9, d: b64('a') }]);
    await test.batch([{ op: 'data', sid, seq: 1, wseq: 9, d: b64('b') }]);
    await test.batch([{ op: 'data', sid, seq: 2, wseq: 0, d: b64('c') }]);
    expect(await peer.readText(3)).toBe('abc');
  });

  test('a repeated wseq or one that cannot be decoded uses up no number', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    expect(await test.batch([{ op: 'data', sid, wseq: 0, d: '*' }])).toMatchObject([{ code: 'BASE64_INVALID' }]);
    await test.batch([{ op: 'data', sid, wseq: 0, d: b64('a') }]);
    expect(await peer.readText(1)).toBe('a');
  });
});

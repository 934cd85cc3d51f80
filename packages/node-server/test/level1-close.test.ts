import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { b64, openStream, startClockedNode, startTestNode } from './support/node.js';

describe('close', () => {
  test('a close ends the stream cleanly at the target, and the sid is not known any more', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    expect(await test.batch([{ op: 'close', sid }])).toEqual([{ sid, eof: true }]);
    await peer.ended;
    peer.end();
    expect(await peer.gone).toBe('clean');
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, eof: true, code: 'UNKNOWN_SID' }]);
    expect(test.node.stats().streams).toBe(0);
  });

  test('a close runs after the same batch\u2019s earlier data of that stream and before its later data', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    await peer.write('unread');
    await eventually(() => test.node.stats().bufferedBytes === 6);
    const replies = await test.batch([
      { op: 'data', sid, d: b64('before') },
      { op: 'close', sid },
      { op: 'data', sid, d: b64('after') },
      { op: 'close', sid },
    ]);
    expect(replies).toEqual([
      { sid, d: b64('unread'), eof: false },
      { sid, eof: true },
      { sid, eof: true, code: 'UNKNOWN_SID' },
      { sid, eof: true, code: 'UNKNOWN_SID' },
    ]);
    await peer.ended;
    expect(peer.waiting).toBe(6);
    expect(await peer.readText(6)).toBe('before');
  });

  test('a close in the same batch does not wait for the poll before it', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    expect(
      await test.batch([
        { op: 'data', sid },
        { op: 'close', sid },
      ]),
    ).toEqual([
      { sid, eof: false },
      { sid, eof: true },
    ]);
    await peer.ended;
  });

  test.each([{}, { seq: 0 }])(
    'a close in the same batch waits for no answer to the write before it (%j)',
    async (op) => {
      // Time stands still: a wait would not end.
      const test = await startClockedNode();
      const { sid, peer } = await openStream(test);
      expect(
        await test.batch([
          { op: 'data', sid, d: b64('bye'), ...op },
          { op: 'data', sid, ...(op.seq === undefined ? {} : { seq: 1 }) },
          { op: 'close', sid },
        ]),
      ).toMatchObject([{ eof: false }, { eof: false }, { eof: true }]);
      expect(await peer.readText(3)).toBe('bye');
      await peer.ended;
    },
  );

  test('a close runs after an earlier op with seq of the same batch whose turn comes later', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    const replies = test.batch([
      { op: 'data', sid, seq: 1, d: b64('two') },
      { op: 'close', sid },
      { op: 'data', sid, seq: 2, d: b64('three') },
    ]);
    await eventually(() => test.node.stats().requests === 1);
    expect(await test.batch([{ op: 'data', sid, seq: 0, d: b64('one') }])).toEqual([{ sid, eof: false, seq: 0 }]);
    expect(await replies).toEqual([
      { sid, eof: false, seq: 1 },
      { sid, eof: true },
      { sid, eof: true, code: 'UNKNOWN_SID', seq: 2 },
    ]);
    await peer.ended;
    expect(await peer.readText(peer.waiting)).toBe('onetwo');
  });

  test('a close ends the polls that other batches have at the stream', async () => {
    const test = await startTestNode();
    const { sid } = await openStream(test);
    const polls = [
      test.batch([{ op: 'data', sid }]),
      test.batch([{ op: 'data', sid, seq: 0 }]),
      test.batch([{ op: 'data', sid, seq: 7 }]),
    ];
    await eventually(() => test.node.stats().requests === 3);
    await test.batch([{ op: 'close', sid }]);
    expect(await Promise.all(polls)).toEqual([
      [{ sid, eof: true, code: 'UNKNOWN_SID' }],
      [{ sid, eof: true, code: 'UNKNOWN_SID', seq: 0 }],
      [{ sid, eof: true, code: 'UNKNOWN_SID', seq: 7 }],
    ]);
  });

  test('what was written before a close arrives whole at a target that reads slowly', async () => {
    const test = await startTestNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test, { paused: true });
    const bytes = Buffer.alloc(4_000_000, 'x');
    await test.batch([
      { op: 'data', sid, d: b64(bytes) },
      { op: 'close', sid },
    ]);
    expect(test.node.stats()).toMatchObject({ streams: 0, lingering: 1 });
    peer.socket.resume();
    expect((await peer.read(bytes.length)).equals(bytes)).toBe(true);
    await peer.ended;
    peer.end();
    await eventually(() => test.node.stats().lingering === 0);
    expect(test.node.stats().bufferedBytes).toBe(0);
  });
});

describe('idle streams', () => {
  test('a stream that no op names is reaped after 300 seconds, and its target sees a reset', async () => {
    const test = await startClockedNode();
    const { sid, peer } = await openStream(test);
    test.clock.advance(299_999);
    expect(test.node.stats().streams).toBe(1);
    test.clock.advance(1);
    expect(test.node.stats().streams).toBe(0);
    expect(await peer.gone).toBe('reset');
    expect(await test.batch([{ op: 'data', sid }])).toEqual([{ sid, eof: true, code: 'UNKNOWN_SID' }]);
  });

  test('an op that names a stream keeps it for another 300 seconds', async () => {
    const test = await startClockedNode({ activeDrainMs: 0 });
    const { sid } = await openStream(test);
    test.clock.advance(200_000);
    await test.batch([{ op: 'data', sid }, { op: 'version' }]);
    test.clock.advance(299_999);
    expect(test.node.stats().streams).toBe(1);
    test.clock.advance(1);
    expect(test.node.stats().streams).toBe(0);
  });

  test('a stream is not idle while a poll waits at it', async () => {
    const test = await startClockedNode({ streamIdleSeconds: 1 });
    const { sid, peer } = await openStream(test);
    const reply = test.batch([{ op: 'data', sid }]);
    await test.clock.scheduled(15_000);
    test.clock.advance(14_000);
    await peer.write('late');
    expect(await reply).toEqual([{ sid, d: b64('late'), eof: false }]);
  });
});

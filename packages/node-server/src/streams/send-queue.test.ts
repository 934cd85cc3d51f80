import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/clock.js';
import { isPending } from '../../test/support/pending.js';
import { quiet } from '../../test/support/eventually.js';
import { NodeError } from '../errors.js';
import { NODE_LIMITS } from '../limits.js';
import { BytePool } from './byte-pool.js';
import { SendQueue } from './send-queue.js';

function start(maxPool = 1_000) {
  const pieces: Array<{ text: string; sent: (error?: Error | null) => void }> = [];
  const stalls: NodeError[] = [];
  const clock = new ManualClock();
  const pool = new BytePool(maxPool);
  const limits = { ...NODE_LIMITS, maxWriteBacklogBytes: 10, writePieceBytes: 4, floorBytes: 2 };
  const queue = new SendQueue({
    send: (piece, sent) => void pieces.push({ text: piece.toString(), sent }),
    onStall: (error) => stalls.push(error),
    pool,
    clock,
    limits,
  });
  const write = (text: string): Promise<void> => queue.write(Buffer.from(text));
  /** The system takes pieces until none is left. */
  const flush = async (): Promise<string> => {
    for (let n = 0; ; n++) {
      await quiet(2);
      if (n === pieces.length) return pieces.map(({ text }) => text).join('');
      pieces[n]!.sent();
    }
  };
  return { queue, write, pieces, stalls, clock, pool, flush };
}

test('one piece at a time is with the socket, and each write is accepted while the backlog is below its bound', async () => {
  const { write, pieces, pool, queue } = start();
  await write('abcdef');
  await write('ghij');
  expect(pieces.map(({ text }) => text)).toEqual(['abcd']);
  expect([queue.backlog, pool.used]).toEqual([10, 10]);
  pieces[0]!.sent();
  expect(pieces.map(({ text }) => text)).toEqual(['abcd', 'efgh']);
  expect([queue.backlog, pool.used]).toEqual([6, 6]);
});

test('writes beyond the bound wait, and keep their order', async () => {
  const { write, flush, pool } = start();
  const writes = [write('0123456789abcdef'), write('XY'), write('')];
  expect(await isPending(writes[0]!)).toBe(true);
  expect(pool.used).toBe(10);
  expect(await flush()).toBe('0123456789abcdefXY');
  await Promise.all(writes);
  expect(pool.used).toBe(0);
});

test('with the pool full a write gets its floor only', async () => {
  const { write, pool, queue, flush } = start(1);
  pool.take(1);
  const written = write('abcdef');
  expect(await isPending(written)).toBe(true);
  expect(queue.backlog).toBe(2);
  expect(await flush()).toBe('abcdef');
  await written;
});

test('a write that waits for too long without a piece taken stalls; each piece gives it new time', async () => {
  const { write, clock, pieces, stalls, pool } = start();
  const written = write('0123456789abcdefghijkl');
  written.catch(() => {});
  await clock.scheduled(30_000);
  clock.advance(29_999);
  pieces[0]!.sent();
  await quiet();
  clock.advance(29_999);
  expect(await isPending(written)).toBe(true);
  clock.advance(1);
  await expect(written).rejects.toMatchObject({ code: 'TARGET_STALLED' });
  expect(stalls).toHaveLength(1);
  expect(pool.used).toBe(0);
  await expect(write('more')).rejects.toMatchObject({ code: 'TARGET_STALLED' });
});

test('a write that does not wait never stalls', async () => {
  const { write, clock, stalls } = start();
  await write('abc');
  clock.advance(1e9);
  expect(stalls).toEqual([]);
});

test('the end throws for all that wait and gives everything back, once', async () => {
  const { queue, write, pool, pieces } = start();
  const written = write('0123456789abcdef');
  const flushed = queue.flushed();
  expect(await isPending(written)).toBe(true);
  queue.end(new NodeError('TARGET_RESET', 'gone'));
  queue.end(new NodeError('STREAM_CLOSED', 'again'));
  await expect(written).rejects.toMatchObject({ code: 'TARGET_RESET' });
  await flushed;
  pieces[0]!.sent();
  expect(pool.used).toBe(0);
});

test('flushed waits for the last byte', async () => {
  const { queue, write, flush } = start();
  void write('0123456789abcdef');
  const flushed = queue.flushed();
  expect(await isPending(flushed)).toBe(true);
  await flush();
  await flushed;
});

test('a piece that the socket refuses counts as not sent: the end says why', async () => {
  const { queue, write, pieces } = start();
  await write('abc');
  pieces[0]!.sent(new Error('EPIPE'));
  expect(queue.backlog).toBe(3);
});

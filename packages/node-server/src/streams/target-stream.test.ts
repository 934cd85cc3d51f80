import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/clock.js';
import { FakeSocket } from '../../test/support/fake-socket.js';
import { quiet } from '../../test/support/eventually.js';
import { isPending } from '../../test/support/pending.js';
import { NodeError } from '../errors.js';
import { NODE_LIMITS } from '../limits.js';
import { BytePool } from './byte-pool.js';
import { TargetStream } from './target-stream.js';

function start(maxPool = 1_000_000) {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const pool = new BytePool(maxPool);
  const limits = {
    ...NODE_LIMITS,
    maxStreamDrainBytes: 1_000,
    floorBytes: 100,
    maxWriteBacklogBytes: 1_000,
    writePieceBytes: 100,
  };
  const stream = new TargetStream(socket.asSocket(), { pool, clock, limits });
  let wakes = 0;
  stream.watchers.add(() => void wakes++);
  return { socket, clock, pool, stream, wakes: () => wakes };
}

const received = (socket: FakeSocket): string => Buffer.concat(socket.received).toString();

describe('from the target', () => {
  test('bytes wake, are counted, and come out as they went in', () => {
    const { socket, stream, pool, wakes } = start();
    expect(stream.readable).toBe(false);
    socket.push(Buffer.from('hello'));
    expect([wakes(), stream.readable, stream.buffered, stream.bytesDown, pool.used]).toEqual([1, true, 5, 5, 5]);
    expect(stream.take(3).toString()).toBe('hel');
    // Whoever took them gives them back.
    expect([stream.buffered, pool.used]).toEqual([2, 5]);
  });

  test('reading stops at the bound of the stream and goes on below it', () => {
    const { socket, stream } = start();
    socket.push(Buffer.alloc(1_000));
    expect([socket.paused, stream.full]).toEqual([true, true]);
    stream.take(1);
    expect([socket.paused, stream.full]).toEqual([false, false]);
  });

  test('with the pool full reading stops at the floor, and goes on when the pool has room', () => {
    const { socket, stream, pool } = start(500);
    pool.take(500);
    socket.push(Buffer.alloc(99));
    expect(socket.paused).toBe(false);
    socket.push(Buffer.alloc(1));
    expect(socket.paused).toBe(true);
    pool.give(600);
    expect(socket.paused).toBe(false);
    expect(stream.buffered).toBe(100);
  });

  test('an end is told after a write of nothing has shown that it is one', async () => {
    const { socket, stream, wakes } = start();
    socket.pushEnd();
    expect(stream.ended).toBe(false);
    await quiet();
    expect([stream.ended, stream.failure, wakes(), received(socket)]).toEqual([true, undefined, 1, '']);
  });

  test('an end that is a reset in truth is told as one', async () => {
    const { socket, stream } = start();
    socket.pushEnd();
    socket.pushReset();
    await quiet();
    expect([stream.ended, stream.failure?.code]).toEqual([false, 'TARGET_RESET']);
  });

  test('an end stays one when the target resets later, for what is read; writes fail', async () => {
    const { socket, stream } = start();
    socket.pushEnd();
    await quiet();
    socket.pushReset();
    await quiet();
    expect([stream.ended, stream.failure?.code]).toEqual([true, 'TARGET_RESET']);
    await expect(stream.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'TARGET_RESET' });
  });

  test('a connection that goes without a word was not ended by the target', async () => {
    const { socket, stream } = start();
    socket.destroy();
    await quiet();
    expect(stream.failure).toMatchObject({ code: 'TARGET_RESET' });
  });
});

describe('to the target', () => {
  test('after the end of writes the target may go on, and when it ends too all is clean', async () => {
    const { socket, stream } = start();
    await stream.write(Buffer.from('all'));
    await stream.endWrites();
    expect([received(socket), socket.writableEnded]).toEqual(['all', true]);
    await expect(stream.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
    socket.push(Buffer.from('more'));
    socket.pushEnd();
    socket.destroy();
    await quiet();
    expect([stream.ended, stream.failure, stream.take(10).toString()]).toEqual([true, undefined, 'more']);
  });

  test('a write that stalls resets the connection and fails the stream', async () => {
    const { socket, stream, clock, pool } = start();
    socket.stall(true);
    const written = stream.write(Buffer.alloc(2_000));
    written.catch(() => {});
    await clock.scheduled(30_000);
    clock.advance(30_000);
    await expect(written).rejects.toMatchObject({ code: 'TARGET_STALLED' });
    expect([stream.failure?.code, socket.destroyed, pool.used]).toEqual(['TARGET_STALLED', true, 0]);
  });
});

describe('the end of a stream', () => {
  test('close flushes, ends, throws away what still comes, and is over when the target ends', async () => {
    const { socket, stream, pool, clock } = start();
    socket.push(Buffer.alloc(1_500));
    socket.stall(true);
    await stream.write(Buffer.from('last words'));
    const closed = stream.close();
    await stream.over;
    expect([stream.closed, stream.readable, stream.buffered, pool.used]).toEqual([true, true, 0, 10]);
    expect([socket.paused, socket.writableEnded]).toEqual([false, false]);
    await expect(stream.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
    socket.stall(false);
    await clock.scheduled(5_000);
    expect([received(socket), socket.writableEnded]).toEqual(['last words', true]);
    socket.push(Buffer.alloc(500));
    expect(pool.used).toBe(0);
    socket.destroy();
    await closed;
    await stream.close();
    expect(stream.failure).toBeUndefined();
    expect(clock.count(5_000)).toBe(0);
  });

  test('close cuts a target that takes nothing, and one that does not end', async () => {
    for (const [stalled, ms] of [
      [true, 30_000],
      [false, 5_000],
    ] as const) {
      const { socket, stream, clock } = start();
      socket.stall(stalled);
      await stream.write(Buffer.from('x'));
      await quiet();
      const closed = stream.close();
      await clock.scheduled(ms);
      expect(await isPending(closed)).toBe(true);
      clock.advance(ms);
      await closed;
      expect(socket.destroyed).toBe(true);
    }
  });

  test('cut ends it at once, also while it closes', async () => {
    const { socket, stream, pool } = start();
    socket.push(Buffer.alloc(10));
    socket.stall(true);
    await stream.write(Buffer.from('never'));
    const closed = stream.close();
    await stream.cut();
    await closed;
    expect([socket.destroyed, pool.used]).toEqual([true, 0]);
    await stream.cut();
  });

  test('break keeps it known as broken, without its bytes', async () => {
    const { socket, stream, pool } = start();
    socket.push(Buffer.alloc(10));
    stream.break(new NodeError('RELAY_TRUNCATED', 'lost'));
    expect([stream.failure?.code, stream.buffered, pool.used, stream.closed, socket.destroyed]).toEqual([
      'RELAY_TRUNCATED',
      0,
      0,
      false,
      true,
    ]);
    await stream.over;
  });
});

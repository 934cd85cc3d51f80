import { expect, test } from 'vitest';
import { BytePool } from './byte-pool.js';

test('the pool is full from its bound on, and takes what is in memory already', () => {
  const pool = new BytePool(10);
  pool.take(9);
  expect([pool.used, pool.full]).toEqual([9, false]);
  pool.take(5);
  expect([pool.used, pool.full]).toEqual([14, true]);
});

test('who waits is woken once, when there is room, and not when it has left', () => {
  const pool = new BytePool(10);
  let woken = 0;
  let other = 0;
  const wake = (): void => void woken++;
  pool.take(15);
  pool.whenRoom(wake);
  pool.whenRoom(wake);
  pool.whenRoom(() => void other++)();
  pool.give(5);
  expect(woken).toBe(0);
  pool.give(1);
  pool.give(1);
  expect([woken, other]).toEqual([1, 0]);
});

import { expect, test } from 'vitest';
import { freeMemory } from './free-memory.js';

test('memory that is freed is gone from every view of it, at once', () => {
  const memory = new Uint8Array(100_000).fill(7);
  const view = memory.subarray(10, 20);
  const before = process.memoryUsage().arrayBuffers;
  freeMemory(memory);
  expect([memory.length, view.length, memory.buffer.byteLength]).toEqual([0, 0, 0]);
  expect(process.memoryUsage().arrayBuffers).toBeLessThanOrEqual(before - 100_000);
  // Once more changes nothing.
  freeMemory(memory);
});

test('a part, what is small, pooled or shared stays as it is', () => {
  const memory = new Uint8Array(100_000).fill(7);
  freeMemory(memory.subarray(1));
  freeMemory(memory.subarray(0, 99_999));
  const small = new Uint8Array(1_000).fill(7);
  freeMemory(small);
  const pooled = Buffer.from('text');
  freeMemory(pooled);
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  freeMemory(shared);
  expect([memory, small, pooled, shared].map(({ length }) => length)).toEqual([100_000, 1_000, 4, 100_000]);
  expect([memory[50_000], small[500], pooled.toString()]).toEqual([7, 7, 'text']);
});

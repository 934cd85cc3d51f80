import { expect, test } from 'vitest';
import { giveAway, mayKeep } from './given-away.js';

test('a chunk that was given away may be kept, another may not', () => {
  expect(mayKeep(giveAway(new Uint8Array(10_000)))).toBe(true);
  expect(mayKeep(new Uint8Array(10_000))).toBe(false);
});

test('small chunks, and small parts of large buffers, are copied all the same', () => {
  expect(mayKeep(giveAway(new Uint8Array(100)))).toBe(false);
  const half = new Uint8Array(20_000).subarray(0, 10_000);
  expect(mayKeep(giveAway(half))).toBe(true);
  expect(mayKeep(giveAway(new Uint8Array(20_001).subarray(0, 10_000)))).toBe(false);
});

import { expect, test } from 'vitest';
import { packetsThatFit } from './kernel-buffer.js';

test.each([
  [212_992, 147],
  [4 * 2 ** 20, 2912],
  [64 * 2 ** 20, 2912],
])('where a socket may have %i bytes, %i packets fit', (bytes, packets) => {
  expect(packetsThatFit(bytes)).toBe(packets);
});

test('whatever this system gives, at least one block of a frame fits', () => {
  expect(packetsThatFit()).toBeGreaterThan(25);
});

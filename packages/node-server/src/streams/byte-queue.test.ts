import { expect, test } from 'vitest';
import { Random } from '../../test/support/random.js';
import { ByteQueue } from './byte-queue.js';

test('any chunks in, any number of bytes out: the bytes stay as they are, for those taken before too', () => {
  const random = new Random(7);
  for (let run = 0; run < 50; run++) {
    const queue = new ByteQueue();
    let counter = 0;
    let expected = Buffer.alloc(0);
    const taken: Array<{ got: Buffer; copy: Buffer }> = [];
    for (let step = 0; step < 200; step++) {
      if (random.chance(60)) {
        const length = random.pick([0, 1, 1, 2, 333, 4_095, 4_096, 20_000]);
        const chunk = Buffer.allocUnsafe(length);
        for (let n = 0; n < length; n++) chunk[n] = counter++ % 251;
        queue.push(chunk);
        expected = Buffer.concat([expected, chunk]);
      } else {
        const got = queue.take(random.pick([0, 1, 333, 5_000, 100_000]));
        expect(got.equals(expected.subarray(0, got.length))).toBe(true);
        expected = expected.subarray(got.length);
        taken.push({ got, copy: Buffer.from(got) });
      }
      expect(queue.length).toBe(expected.length);
    }
    expect(taken.every(({ got, copy }) => got.equals(copy))).toBe(true);
    expect(queue.clear()).toBe(expected.length);
    expect(queue.take(10)).toHaveLength(0);
  }
});

test('single bytes are copied together: what is taken lies in one block', () => {
  const queue = new ByteQueue();
  for (let n = 0; n < 1_000; n++) queue.push(Buffer.from([n & 255]));
  const bytes = queue.take(1_000);
  expect(bytes.buffer.byteLength).toBe(16_384);
  expect(bytes.equals(Buffer.from(Array.from({ length: 1_000 }, (_, n) => n & 255)))).toBe(true);
});

test('a take gives what there is, when that is less', () => {
  const queue = new ByteQueue();
  queue.push(Buffer.from('abc'));
  expect(queue.take(2).toString()).toBe('ab');
  expect(queue.take(100).toString()).toBe('c');
  expect(queue.length).toBe(0);
});

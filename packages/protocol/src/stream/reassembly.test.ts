import { array, assert, boolean, integer, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';

import { Reassembly } from './reassembly.js';

const at = (from: number, to: number) => Uint8Array.from({ length: to - from }, (_, index) => (from + index) % 251);

test('pieces in any order and overlap come out once and in order', () => {
  const piece = record({ from: nat(5000), length: integer({ min: 0, max: 1500 }) });
  assert(
    property(array(piece, { maxLength: 40 }), boolean(), (pieces, settles) => {
      const total = 5000;
      const reassembly = new Reassembly(16);
      const out: number[] = [];
      const read = () => {
        for (let view = reassembly.read(700); view; view = reassembly.read(700)) {
          out.push(...view);
          reassembly.consume(view.length);
        }
      };
      for (const { from, length } of pieces) {
        const to = Math.min(total, from + length);
        if (from > to) continue;
        reassembly.insert(from, at(0, total).subarray(from, to), to === total);
        if (settles) reassembly.settle();
        read();
      }
      expect(reassembly.gaps).toBeLessThanOrEqual(16);
      // What was dropped for too many gaps comes again.
      for (let from = 0; from < total; from += 500) reassembly.insert(from, at(from, from + 500), from + 500 === total);
      read();
      expect(out).toEqual([...at(0, total)]);
      expect(reassembly.ack).toBe(total + 1);
      expect(reassembly.ended).toBe(true);
      expect(reassembly.pinnedBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('an end that moves, or bytes beyond it, are refused', () => {
  const reassembly = new Reassembly(4);
  expect(reassembly.insert(10, at(10, 20), true)).toBe('kept');
  expect(reassembly.insert(10, at(10, 19), true)).toBe('invalid');
  expect(reassembly.insert(15, at(15, 25), false)).toBe('invalid');
  const early = new Reassembly(4);
  early.insert(0, at(0, 10), false);
  expect(early.insert(0, at(0, 5), true)).toBe('invalid');
});

test('a piece that would make too many gaps is dropped, one that fills a gap never is', () => {
  const reassembly = new Reassembly(2);
  expect(reassembly.insert(10, at(10, 12), false)).toBe('kept');
  expect(reassembly.insert(20, at(20, 22), false)).toBe('kept');
  expect(reassembly.insert(30, at(30, 32), false)).toBe('dropped');
  expect(reassembly.insert(12, at(12, 20), false)).toBe('kept');
  expect(reassembly.gaps).toBe(1);
  expect(reassembly.insert(0, at(0, 10), false)).toBe('kept');
  expect(reassembly.next).toBe(22);
  expect(reassembly.gaps).toBe(0);
});

test('the end alone, and a stream without bytes, take one position', () => {
  const reassembly = new Reassembly(2);
  expect(reassembly.ack).toBe(0);
  reassembly.insert(0, new Uint8Array(0), true);
  expect(reassembly.ack).toBe(1);
  expect(reassembly.ended).toBe(true);
});

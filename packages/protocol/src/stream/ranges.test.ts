import { array, assert, boolean, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';

import { Ranges } from './ranges.js';

const numbers = (ranges: Ranges) =>
  ranges.spans.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));

test('a set of ranges holds what a set of numbers holds, in as few ranges as possible', () => {
  const step = record({ add: boolean(), from: nat(60), length: nat(12) });
  assert(
    property(array(step, { maxLength: 40 }), (steps) => {
      const ranges = new Ranges(1000, 'join');
      const model = new Set<number>();
      for (const { add, from, length } of steps) {
        if (add) ranges.add(from, from + length);
        else ranges.remove(from, from + length);
        for (let value = from; value < from + length; value++) {
          if (add) model.add(value);
          else model.delete(value);
        }
      }
      expect(numbers(ranges)).toEqual([...model].sort((a, b) => a - b));
      expect(ranges.total).toBe(model.size);
      for (let value = 0; value < 80; value++) expect(ranges.has(value)).toBe(model.has(value));
      for (let index = 1; index < ranges.count; index++) {
        expect(ranges.spans[index]!.from).toBeGreaterThan(ranges.spans[index - 1]!.to);
      }
    }),
  );
});

test('past its bound a set joins the closest neighbours, or forgets the lowest', () => {
  const joined = new Ranges(2, 'join');
  const forgot = new Ranges(2, 'forget');
  for (const ranges of [joined, forgot]) for (const from of [0, 10, 15]) ranges.add(from, from + 2);
  expect(joined.spans).toEqual([
    { from: 0, to: 2 },
    { from: 10, to: 17 },
  ]);
  expect(forgot.spans).toEqual([
    { from: 10, to: 12 },
    { from: 15, to: 17 },
  ]);
  joined.remove(3, 5);
  joined.remove(11, 12);
  expect(joined.count).toBe(2);
  expect(joined.last).toEqual({ from: 10, to: 17 });
  joined.clear();
  expect(joined.last).toBeUndefined();
});

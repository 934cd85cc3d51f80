import { expect, test } from 'vitest';
import { jain, median, percentile, sample, slope, spreadPercent } from './statistics.js';

test('percentiles are values that occurred', () => {
  const numbers = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([percentile(numbers, 0.5), percentile(numbers, 0.99), percentile(numbers, 1), percentile(numbers, 0)]).toEqual(
    [50, 99, 100, 1],
  );
  expect(percentile([], 0.5)).toBeNaN();
});

test('the median of an even count lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
});

test('one outlier does not make a spread', () => {
  expect(spreadPercent([10, 10, 10, 10, 1000])).toBe(0);
  expect(spreadPercent([8, 9, 10, 11, 12])).toBeCloseTo(10);
  expect(spreadPercent([7])).toBe(0);
});

test('fairness is 1 for equals and 1/n when one has all', () => {
  expect(jain([3, 3, 3])).toBeCloseTo(1);
  expect(jain([3, 0, 0])).toBeCloseTo(1 / 3);
});

test('the slope of a line is found whatever its offset', () => {
  expect(slope([0, 1, 2, 3], [5, 7, 9, 11])).toBeCloseTo(2);
  expect(slope([1], [1])).toBe(0);
});

test('a sample keeps the smallest and the largest', () => {
  const many = Array.from({ length: 10_001 }, (_, i) => i);
  const kept = sample(many, 5);
  expect(kept).toEqual([0, 2500, 5000, 7500, 10_000]);
  expect(sample([3, 1])).toEqual([1, 3]);
});

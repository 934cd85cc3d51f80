import { expect, test } from 'vitest';
import { CostMeter } from './cost-meter.js';

/** Arrays that nobody keeps, far more of them than a young generation holds. */
const ARRAYS = 200_000;
const ELEMENTS = 50;

let kept: number[] = [];

/** The last array stays visible, or none of them would be made at all. */
function allocate(): void {
  for (let i = 0; i < ARRAYS; i++) kept = Array.from<number>({ length: 0 }).concat(SOURCE);
}
const SOURCE = Array.from({ length: ELEMENTS }, (_, i) => i);

test('what was allocated is counted, though collections have taken it away meanwhile', () => {
  const meter = new CostMeter();
  meter.start();
  allocate();
  const { heapBytes } = meter.finish();
  expect(kept).toHaveLength(ELEMENTS);
  // Pointers and small numbers take 4 or 8 bytes each; two arrays with their headers are less than twice that.
  expect(heapBytes).toBeGreaterThan(ARRAYS * ELEMENTS * 4);
  expect(heapBytes).toBeLessThan(ARRAYS * ELEMENTS * 8 * 2);
});

test('a run that allocates nothing costs next to no heap', () => {
  const meter = new CostMeter();
  meter.start();
  let sum = 0;
  for (let i = 0; i < 1_000_000; i++) sum = (sum + i) | 0;
  const { heapBytes } = meter.finish();
  expect(sum).not.toBe(1);
  expect(heapBytes).toBeLessThan(500_000);
});

import { expect, test } from 'vitest';

import { Caution } from './caution.js';

test('much loss lowers the rate again and again, down to a quarter', () => {
  const caution = new Caution();
  for (let round = 0; round < 20; round++) {
    caution.add(300, 100);
    expect(caution.endRound()).toBe(true);
  }
  expect(caution.factor).toBeCloseTo(0.25);
});

test('random loss, and a run of losses among few packets, lower nothing', () => {
  const caution = new Caution();
  caution.add(100, 60);
  expect(caution.endRound()).toBe(false);
  caution.add(500, 10);
  expect(caution.endRound()).toBe(false);
  expect(caution.factor).toBe(1);
});

test('rounds without loss bring the rate back, however few packets they have', () => {
  const caution = new Caution();
  caution.add(300, 100);
  caution.endRound();
  for (let round = 0; round < 10; round++) {
    caution.add(10, 0);
    caution.endRound();
  }
  expect(caution.factor).toBe(1);
});

import { expect, test } from 'vitest';

import { Random } from '../../test/sim/random.js';
import { ParityController } from './parity-controller.js';

const OPTIONS = { floor: 0, ceiling: 0.5, residual: 1e-4 };

/** Feeds reports of 100 packets each 25 ms at a loss, and returns the time after the last. */
function feed(controller: ParityController, random: Random, loss: number, fromMs: number, forMs: number): number {
  for (let now = fromMs; now < fromMs + forMs; now += 25) {
    const lost = Array.from({ length: 100 }, () => random.chance(loss)).filter(Boolean).length;
    controller.report(100, lost, lost, false, now);
  }
  return fromMs + forMs;
}

test('parity follows a step of the loss from 1 to 8 % within 200 ms, and goes down over seconds', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const controller = new ParityController(OPTIONS);
    let now = feed(controller, random, 0.01, 0, 2000);
    const before = controller.parityFor(20, 1, 0);
    now = feed(controller, random, 0.08, now, 200);
    const after = controller.parityFor(20, 1, 0);
    expect(controller.loss).toBeGreaterThan(0.07);
    expect(after).toBeGreaterThan(before);
    // Enough that 8 % loss breaks less than 1 block in 100.
    expect(after).toBeGreaterThanOrEqual(6);
    now = feed(controller, random, 0, now, 500);
    expect(controller.parityFor(20, 1, 0)).toBeGreaterThanOrEqual(after - 1);
    feed(controller, random, 0, now, 60_000);
    expect(controller.parityFor(20, 1, 0)).toBe(0);
  }
});

test('floor and ceiling bound the parity', () => {
  const bounded = new ParityController({ floor: 0.1, ceiling: 0.25, residual: 1e-4 });
  // Before anything is known some loss is expected, for a moment.
  expect(bounded.parityFor(20, 1, 0)).toBeGreaterThan(2);
  for (const now of [0, 1000, 2000]) bounded.report(100, 0, 0, false, now);
  expect(bounded.parityFor(20, 1, 0)).toBe(2);
  bounded.report(1000, 400, 300, false, 2025);
  bounded.report(1000, 400, 300, false, 2050);
  expect(bounded.parityFor(20, 1, 0)).toBe(5);
  expect(bounded.parityFor(1, 1, 0)).toBe(1);
  expect(bounded.parityFor(254, 1, 0)).toBe(1);
  const none = new ParityController({ floor: 0, ceiling: 0, residual: 1e-4 });
  none.report(1000, 400, 300, false, 0);
  expect(none.parityFor(20, 1, 0)).toBe(0);
});

test('bursts need more parity, and turns with other blocks less', () => {
  const controller = new ParityController(OPTIONS);
  for (let now = 0; now < 1000; now += 25) controller.report(400, 8, 1, false, now);
  expect(controller.burst).toBeGreaterThan(6);
  expect(controller.parityFor(40, 1, 0)).toBeGreaterThan(controller.parityFor(40, 8, 0));
});

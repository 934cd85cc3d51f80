import { expect, test } from 'vitest';

import { Coverage } from './faults.js';
import { World } from './world.js';

/** In CI 10,000 seeds; elsewhere fewer, so that the test does not hold up a person. */
const seeds = Number(process.env['MILLRACE_SIM_SEEDS'] ?? (process.env['CI'] === undefined ? 300 : 10_000));
const first = Number(process.env['MILLRACE_SIM_FIRST'] ?? 0);
/** With fewer seeds, rare pairs of fault and state may not occur. */
const ENOUGH_SEEDS = 5000;

function runSeed(seed: number): World {
  const world = new World(seed);
  try {
    world.run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
  return world;
}

test('no fault loses, changes or repeats a byte, and every run ends', { timeout: 900_000 }, () => {
  const coverage = new Coverage();
  let bytes = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const world = runSeed(seed);
    expect(world.bytes).toBeGreaterThanOrEqual(262_144);
    expect(world.streams).toBeGreaterThanOrEqual(3);
    expect(world.coverage.faults).toBeGreaterThanOrEqual(20);
    bytes += world.bytes;
    coverage.add(world.coverage);
  }
  const whole = seeds >= ENOUGH_SEEDS;
  process.stdout.write(`${seeds} seeds from ${first}, ${bytes} bytes; ${coverage.describe(whole)}\n`);
  if (whole) expect(coverage.missing()).toEqual([]);
});

/** Their causes have tests of their own in regressions.test.ts. */
test.each([5, 295, 826, 2016, 3137, 6557, 6858, 8347])('seed %i, which once failed', (seed) => {
  expect(runSeed(seed).bytes).toBeGreaterThanOrEqual(262_144);
});

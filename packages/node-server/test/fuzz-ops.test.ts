import { expect, test } from 'vitest';
import { FuzzWorld } from './support/fuzz-world.js';
import { Random } from './support/random.js';

const SEEDS = Number(process.env['MILLRACE_FUZZ_SEEDS'] ?? 300);
const FIRST_SEED = Number(process.env['MILLRACE_FUZZ_FIRST'] ?? 1);

test(`random ops, in any order, with answers lost and targets that stall, end and reset: every byte in its place (${SEEDS} seeds)`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const random = new Random(seed);
    const world = new FuzzWorld(random);
    try {
      await world.open(1 + random.below(5));
      for (let step = 0; step < 200; step++) await world.step();
      await world.finish();
    } catch (error) {
      throw new Error(`seed ${seed} (MILLRACE_FUZZ_FIRST=${seed} MILLRACE_FUZZ_SEEDS=1)`, { cause: error });
    }
  }
  expect(SEEDS).toBeGreaterThan(0);
}, 120_000);

import { expect, test } from 'vitest';
import { CLIENT_LIMITS } from '../limits.js';
import { BodyAccount, CLIENT_ENGINE, level2Bound, SPARE_BYTES, type MemoryOptions } from './memory.js';

const MIB = 1024 * 1024;
const DEFAULTS: MemoryOptions = {
  engine: { ...CLIENT_ENGINE, maxStreams: 16_384 },
  maxRequestBytes: 4 * MIB,
  maxResponseBytes: 4 * MIB,
  exchanges: 256,
};

test('a client of 1,000 streams stays below 256 MiB at defaults', () => {
  expect(level2Bound(DEFAULTS, 1_000)).toBeLessThan(256 * MIB);
});

test('bodies take their own part and what the engine leaves of its', () => {
  let engineBytes = 0;
  const account = new BodyAccount(
    DEFAULTS,
    () => engineBytes,
    () => 0,
  );
  const most = level2Bound(DEFAULTS, 0) - SPARE_BYTES - CLIENT_LIMITS.maxSpareReadBytes - 3 * DEFAULTS.maxResponseBytes;
  expect([account.fits(most), account.fits(most + 1)]).toEqual([true, false]);
  account.add(32 * MIB);
  engineBytes = most - 32 * MIB;
  expect([account.fits(0), account.fits(1)]).toEqual([true, false]);
  account.add(-1);
  expect([account.heldBytes, account.fits(1)]).toEqual([32 * MIB - 1, true]);
});

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readAll } from '../read-all.js';
import {
  fill,
  PATTERN_PERIOD,
  patternByte,
  patternBytes,
  patternPieces,
  patternSha256,
  patternStream,
} from './pattern.js';

describe('the pattern', () => {
  test('has a prime period above 16 MiB', () => {
    expect(PATTERN_PERIOD).toBeGreaterThan(16 * 1024 * 1024);
    for (let divisor = 2; divisor * divisor <= PATTERN_PERIOD; divisor += 1) {
      expect(PATTERN_PERIOD % divisor, `divisible by ${divisor}`).not.toBe(0);
    }
  });

  test('gives the same bytes one by one, in one buffer, in pieces and as a stream', async () => {
    const start = PATTERN_PERIOD - 1000;
    const buffer = fill(Buffer.alloc(3000), start, 7);
    for (let i = 0; i < buffer.length; i += 1) expect(buffer[i]).toBe(patternByte(start + i, 7));
    const whole = patternBytes(200_000, 3);
    expect(Buffer.concat([...patternPieces(200_000, 3)]).equals(whole)).toBe(true);
    expect((await readAll(patternStream(200_000, 3))).equals(whole)).toBe(true);
    expect(patternSha256(200_000, 3)).toBe(createHash('sha256').update(whole).digest('hex'));
  });

  test('repeats after its period and not before', () => {
    const one = patternBytes(4096, 1);
    expect(patternBytes(4096, 1, PATTERN_PERIOD).equals(one)).toBe(true);
    for (const step of [1, 2, 4, 1024, 65_536, 1 << 20, 1 << 24]) {
      expect(patternBytes(4096, 1, step).equals(one), `repeats after ${step}`).toBe(false);
    }
  });

  test('differs from seed to seed', () => {
    const starts = new Set<string>();
    for (let seed = 0; seed < 500; seed += 1) starts.add(patternBytes(32, seed).toString('hex'));
    expect(starts.size).toBe(500);
  });

  test('has every byte value about equally often', () => {
    const counts = new Uint32Array(256);
    for (const byte of patternBytes(256 * 1024, 0)) counts[byte] = (counts[byte] ?? 0) + 1;
    for (const count of counts) {
      expect(count).toBeGreaterThan(800);
      expect(count).toBeLessThan(1250);
    }
  });
});

import { describe, expect, test } from 'vitest';
import { PATTERN_PERIOD, patternBytes, patternPieces } from './pattern.js';
import { PatternChecker, PatternError } from './pattern-checker.js';

const SEED = 42;
const good = patternBytes(100_000, SEED);

/** Pushes the bytes in chunks and returns the offset that the checker names, or undefined where it is content. */
function wrongOffset(bytes: Buffer, chunkBytes: number): number | undefined {
  const checker = new PatternChecker(SEED);
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) checker.push(bytes.subarray(at, at + chunkBytes));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(PatternError);
    return (error as PatternError).offset;
  }
}

/** First position where two buffers differ. */
function firstDifference(bytes: Buffer): number {
  return bytes.findIndex((byte, i) => byte !== good[i]);
}

describe.each([1, 7, 1000, 65_536, 100_000])('in chunks of %i bytes the checker', (chunkBytes) => {
  test('accepts the pattern', () => {
    expect(wrongOffset(good, chunkBytes)).toBeUndefined();
  });

  test.each<[string, Buffer]>([
    ['reversed bytes', Buffer.from(good).reverse()],
    ['two swapped pieces', Buffer.concat([good.subarray(0, 500), good.subarray(900, 1300), good.subarray(500, 900)])],
    ['a repeated piece', Buffer.concat([good.subarray(0, 2000), good.subarray(1000, 3000)])],
    ['a dropped byte', Buffer.concat([good.subarray(0, 1234), good.subarray(1235)])],
    ['a dropped piece', Buffer.concat([good.subarray(0, 4096), good.subarray(8192)])],
    ['an inserted byte', Buffer.concat([good.subarray(0, 99), Buffer.from([0]), good.subarray(99)])],
    ['a shifted start', good.subarray(1)],
    ['the bytes of another seed', patternBytes(1000, SEED + 1)],
    ['zeros', Buffer.alloc(1000)],
  ])('catches %s at the first wrong byte', (_what, bytes) => {
    expect(wrongOffset(bytes, chunkBytes)).toBe(firstDifference(bytes));
  });

  test('catches a single changed bit wherever it is', () => {
    for (const at of [0, 1, 6, 7, 999, 1000, 65_535, 65_536, 99_999]) {
      const bytes = Buffer.from(good);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
      expect(wrongOffset(bytes, chunkBytes)).toBe(at);
    }
  });
});

test('the checker is right beyond one period, and catches a jump of exactly 16 MiB there', () => {
  const checker = new PatternChecker(SEED);
  for (const piece of patternPieces(PATTERN_PERIOD + 100_000, SEED)) checker.push(piece);
  expect(checker.bytes).toBe(PATTERN_PERIOD + 100_000);
  const repeated = patternBytes(100, SEED, checker.bytes - (1 << 24));
  expect(() => checker.push(repeated)).toThrow(PatternError);
});

test('the message says where the bytes belong, so that a drop is told from foreign bytes', () => {
  const dropped = new PatternChecker(SEED);
  dropped.push(good.subarray(0, 1000));
  expect(() => dropped.push(good.subarray(1500, 2000))).toThrow(
    /^wrong byte at offset 1000: .*; these bytes belong at offset 1500$/,
  );
  const foreign = new PatternChecker(SEED);
  expect(() => foreign.push(Buffer.from('<!DOCTYPE html><html>'))).toThrow(/not of this pattern/);
});

test('an end that comes too early or too late is an error', () => {
  const checker = new PatternChecker(SEED);
  checker.push(good.subarray(0, 10));
  expect(() => checker.end(10)).not.toThrow();
  expect(() => checker.end(11)).toThrow('ended at offset 10, expected 11 bytes');
});

import { expect, test } from 'vitest';

import { HEADER_BYTES, MAX_PACKET_NUMBER, readNumber, writeHeader } from './header.js';
import { ReplayWindow } from './replay-window.js';
import { Random } from '../../test/sim/random.js';

test('1,000,000 packets permuted within the window are each accepted once', () => {
  const window = new ReplayWindow();
  window.widen(8192);
  const random = new Random(5);
  const count = 1_000_000;
  const reach = 4000;
  const numbers = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i + reach < count; i += reach) {
    for (let j = reach - 1; j > 0; j--) {
      const other = random.int(0, j);
      const kept = numbers[i + j]!;
      numbers[i + j] = numbers[i + other]!;
      numbers[i + other] = kept;
    }
  }
  let accepted = 0;
  let again = 0;
  for (let i = 0; i < count; i++) {
    if (window.look(numbers[i]!) === 'fresh' && window.commit(numbers[i]!)) accepted++;
    const repeat = numbers[Math.max(0, i - random.int(0, 8000))]!;
    if (window.look(repeat) === 'fresh' || window.commit(repeat)) again++;
  }
  expect([accepted, again]).toEqual([count, 0]);
  expect(window.largest).toBe(count - 1);
});

test('looking up changes nothing; numbers below the window are ancient', () => {
  const window = new ReplayWindow();
  expect(window.look(1e12)).toBe('fresh');
  expect(window.largest).toBe(-1);
  expect(window.commit(5000)).toBe(true);
  expect(window.commit(5000)).toBe(false);
  expect(window.look(5000)).toBe('repeated');
  expect(window.look(5000 - window.span)).toBe('ancient');
  expect(window.look(5001 - window.span)).toBe('fresh');
  expect(window.commit(5000 + 10 * window.span)).toBe(true);
  expect(window.look(5000)).toBe('ancient');
});

test('a wider window keeps what it knows and takes nothing that lay below it', () => {
  const window = new ReplayWindow();
  for (let number = 0; number < 10_000; number += 2) window.commit(number);
  window.widen(16_000);
  expect(window.span).toBe(16_384);
  for (let number = 0; number < 10_000; number++) {
    const fresh = number > window.largest || (number > window.largest - 2048 && number % 2 === 1);
    expect(window.look(number) === 'fresh', `${number}`).toBe(fresh);
  }
  window.widen(2 ** 30);
  expect(window.span).toBe(2 ** 19);
});

test('a wider window keeps what it knows also with the numbers of a long session', () => {
  for (const start of [2 ** 31 - 1000, 2 ** 32 - 77, 2 ** 40 + 12_345]) {
    const window = new ReplayWindow();
    for (let number = start; number < start + 3000; number += 3) window.commit(number);
    for (const span of [4096, 32_768]) {
      window.widen(span);
      for (let number = window.largest - span; number <= window.largest; number++) {
        const fresh = number > window.largest - 2048 && (number - start) % 3 !== 0;
        expect(window.look(number) === 'fresh', `${number}`).toBe(fresh);
      }
    }
  }
});

test('a truncated number gives the full one within eight million either way', () => {
  const random = new Random(9);
  const slab = new Uint8Array(HEADER_BYTES);
  for (let round = 0; round < 20_000; round++) {
    const largest = random.int(-1, random.pick([10, 2 ** 24 + 5, 2 ** 40, MAX_PACKET_NUMBER - 2 ** 23]));
    const number = Math.max(0, largest + random.int(-(2 ** 23) + 2, 2 ** 23));
    writeHeader(slab, 0, 7, number, 3);
    expect(readNumber(slab, 0, largest)).toBe(number);
  }
});

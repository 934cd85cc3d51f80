import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { Random } from '../../test/sim/random.js';
import { createFec, createScalarFec, createWasmFec, type Fec } from './index.js';
import { multiply, products } from './field.js';

interface Vector {
  data: number;
  parity: number;
  shardBytes: number;
  shards: string;
  paritySums: string;
}
const { vectors } = JSON.parse(readFileSync(new URL('../../test/vectors/fec.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

const wasm = createWasmFec({ roomBytes: 2 ** 20 })!;
const KINDS: readonly (readonly [string, Fec, (bytes: number) => Uint8Array])[] = [
  ['scalar', createScalarFec(), (bytes) => new Uint8Array(bytes)],
  ['wasm, copied', createWasmFec()!, (bytes) => new Uint8Array(bytes)],
  ['wasm, in place', wasm, (bytes) => wasm.room.fill(0).subarray(0, bytes)],
];

const offsetsOf = (shards: number, shardBytes: number, order = (i: number) => i) =>
  Uint32Array.from({ length: shards }, (_, i) => order(i) * shardBytes);

test('a runtime with SIMD gets the WebAssembly kernel', () => {
  expect(createFec().kind).toBe('wasm');
});

test('the table of products holds the products', () => {
  const table = products();
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) expect(table[256 * a + b]).toBe(multiply(a, b));
});

describe.each(KINDS)('%s', (_name, fec, allocate) => {
  test.each(vectors)('gives the golden parity of $data + $parity shards of $shardBytes bytes', (vector) => {
    const { data, parity, shardBytes } = vector;
    const slab = allocate((data + parity) * shardBytes);
    slab.set(Buffer.from(vector.shards, 'hex'));
    fec.encode(slab, data, parity, shardBytes, offsetsOf(data + parity, shardBytes));
    expect(Buffer.from(slab).toString('hex')).toBe(vector.shards + vector.paritySums);
  });

  test('repairs any losses up to the parity count, writes the holes only, and says when there are too many', () => {
    const random = new Random(7);
    for (let round = 0; round < 200; round++) {
      const data = random.int(1, round % 10 === 0 ? 200 : 30);
      const parity = random.int(0, Math.min(255 - data, 30));
      const shardBytes = random.pick([1, 15, 16, 17, 63, 64, 65, 200, 1200, ...(round % 20 === 0 ? [2047, 4100] : [])]);
      const shards = data + parity;
      // The shards lie in reverse order, with a gap that nothing may touch.
      const slab = allocate(shards * shardBytes + 8);
      const offsets = offsetsOf(shards, shardBytes, (i) => shards - 1 - i);
      for (let i = 0; i < slab.length; i++) slab[i] = random.int(0, 255);
      fec.encode(slab, data, parity, shardBytes, offsets);
      const whole = slab.slice();
      const lost = random.int(0, parity + 1);
      const present = new Uint8Array(shards).fill(1);
      for (let count = 0; count < Math.min(lost, shards);) {
        const shard = random.int(0, shards - 1);
        if (present[shard] === 0) continue;
        present[shard] = 0;
        slab.fill(0xee, offsets[shard], offsets[shard]! + shardBytes);
        count++;
      }
      const damaged = slab.slice();
      const repaired = fec.decode(slab, data, parity, shardBytes, offsets, present);
      expect(repaired).toBe(lost <= parity || !present.subarray(0, data).includes(0));
      const expected = damaged;
      for (let shard = 0; shard < (repaired ? data : 0); shard++) {
        expected.set(whole.subarray(offsets[shard], offsets[shard]! + shardBytes), offsets[shard]);
      }
      expect(Buffer.compare(slab, expected)).toBe(0);
    }
  });

  test('refuses what does not fit, before it writes anything', () => {
    const slab = allocate(100);
    const offsets = offsetsOf(10, 10);
    const present = new Uint8Array(10);
    const before = slab.slice();
    expect(() => fec.encode(slab, 0, 1, 10, offsets)).toThrow(RangeError);
    expect(() => fec.encode(slab, 2.5, 1, 10, offsets)).toThrow(RangeError);
    expect(() => fec.encode(slab, 200, 56, 10, offsets)).toThrow('at most 255');
    expect(() => fec.encode(slab, 8, 3, 10, offsets)).toThrow('10 offsets for 11 shards');
    expect(() => fec.encode(slab, 8, 2, 11, offsets)).toThrow('outside the slab');
    expect(() => fec.encode(slab, 8, 2, 0, offsets)).toThrow(RangeError);
    expect(() => fec.decode(slab, 8, 2, 10, offsets, present.subarray(1))).toThrow('9 entries');
    expect(slab).toEqual(before);
  });
});

test('a kernel in WebAssembly has room of the size asked for, and refuses an impossible one', () => {
  expect(createWasmFec()!.room.length).toBe(0);
  expect(wasm.room.length).toBe(2 ** 20);
  expect(() => createWasmFec({ roomBytes: -1 })).toThrow(RangeError);
});

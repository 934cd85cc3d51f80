import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { built, loadBuilt, needsBuild } from '../test/addon.js';
import { parityRows, product } from '../test/field.js';
import { Random } from '../test/random.js';
import type { NativeError } from './error.js';
import type { NativeFec } from './fec.js';

interface Vector {
  readonly data: number;
  readonly parity: number;
  readonly shardBytes: number;
  readonly shards: string;
  readonly paritySums: string;
}

/** The golden vectors of the session: its code on this arithmetic. */
const vectors = JSON.parse(
  readFileSync(new URL('../../udp-session/test/vectors/fec.json', import.meta.url), 'utf8'),
) as { vectors: Vector[] };

function sum(slab: Uint8Array, length: number, inputs: Uint32Array, row: Uint8Array): Uint8Array {
  const out = new Uint8Array(length);
  for (const [j, offset] of inputs.entries()) {
    for (let x = 0; x < length; x++) out[x]! ^= product(row[j]!, slab[offset + x]!);
  }
  return out;
}

describe.skipIf(!built)(`Reed-Solomon ${needsBuild}`, () => {
  const fec = (): NativeFec => loadBuilt().fec;

  test('the last kernel is the scalar one, which every processor has', () => {
    expect(fec().kernels.at(-1)).toBe('scalar');
  });

  test('every kernel gives the parity of the golden vectors', () => {
    expect(vectors.vectors.length).toBeGreaterThan(0);
    for (const { data, parity, shardBytes, shards, paritySums } of vectors.vectors) {
      const matrix = parityRows(data, parity);
      const offsets = Uint32Array.from({ length: data + parity }, (_, i) => i * shardBytes);
      for (const [kernel] of fec().kernels.entries()) {
        const slab = new Uint8Array((data + parity) * shardBytes);
        slab.set(Buffer.from(shards, 'hex'));
        fec().combine(slab, shardBytes, offsets, data, offsets.subarray(data), parity, matrix, data, kernel);
        expect(Buffer.from(slab).toString('hex')).toBe(shards + paritySums);
      }
    }
  });

  test('every kernel sums as the field says, for every length and number of outputs, and writes nothing else', () => {
    const random = new Random(5);
    for (let length = 1; length <= 100; length++) {
      const inputCount = 1 + random.below(12);
      const outputCount = 1 + random.below(14);
      const stride = inputCount + random.below(4);
      const step = length + random.below(9);
      const first = random.below(32);
      const offsets = Uint32Array.from({ length: inputCount + outputCount }, (_, i) => first + i * step);
      const original = random.bytes(first + (inputCount + outputCount) * step);
      const matrix = random.bytes(stride * outputCount);
      const inputs = offsets.subarray(0, inputCount);
      const outputs = offsets.subarray(inputCount);
      const expected = original.slice();
      for (const [i, offset] of outputs.entries()) {
        expected.set(sum(original, length, inputs, matrix.subarray(i * stride)), offset);
      }
      for (const [kernel, name] of fec().kernels.entries()) {
        const slab = original.slice();
        fec().combine(slab, length, inputs, inputCount, outputs, outputCount, matrix, stride, kernel);
        expect(Buffer.compare(slab, expected), `${name}, ${length} bytes`).toBe(0);
      }
    }
  });

  test('all products of all bytes are right in every kernel', () => {
    const slab = new Uint8Array(512);
    const offsets = Uint32Array.of(0);
    const outputs = Uint32Array.of(256);
    for (let i = 0; i < 256; i++) slab[i] = i;
    for (const [kernel] of fec().kernels.entries()) {
      for (let factor = 0; factor < 256; factor++) {
        fec().combine(slab, 256, offsets, 1, outputs, 1, Uint8Array.of(factor), 1, kernel);
        const expected = Uint8Array.from({ length: 256 }, (_, i) => product(factor, i));
        expect(Buffer.compare(slab.subarray(256), expected)).toBe(0);
      }
    }
  });

  test('255 inputs, no input and no output are all right', () => {
    const random = new Random(6);
    const slab = random.bytes(256 * 40);
    const offsets = Uint32Array.from({ length: 256 }, (_, i) => i * 40);
    const matrix = random.bytes(255);
    const expected = sum(slab, 40, offsets.subarray(0, 255), matrix);
    fec().combine(slab, 40, offsets, 255, offsets.subarray(255), 1, matrix, 255);
    expect(slab.subarray(255 * 40)).toEqual(expected);
    fec().combine(slab, 40, offsets, 0, offsets.subarray(255), 1, matrix, 0);
    expect(slab.subarray(255 * 40).every((byte) => byte === 0)).toBe(true);
    const before = slab.slice();
    fec().combine(slab, 40, offsets, 1, offsets, 0, matrix, 1);
    fec().combine(slab, 0, offsets, 1, offsets, 1, matrix, 1);
    expect(slab).toEqual(before);
  });

  test('a solved system gives back what it was made from, also where rows must change places', () => {
    const random = new Random(15);
    let singular = 0;
    for (let round = 0; round < 300; round++) {
      const size = 1 + random.below(12);
      const columns = random.below(20);
      const stride = Math.max(size, columns) + random.below(3);
      // Few values, and many zeros: some have no inverse, and many have zeros where a pivot is looked for.
      const values = round % 2 === 0 ? [0, 0, 1, 2] : Array.from({ length: 256 }, (_, i) => i);
      const left = Uint8Array.from({ length: stride * size }, () => random.pick(values));
      const wanted = random.bytes(stride * size);
      const right = new Uint8Array(stride * size);
      const inputs = Uint32Array.from({ length: size }, (_, i) => i * stride);
      for (let row = 0; row < size; row++) {
        right.set(sum(wanted, columns, inputs, left.subarray(row * stride)), row * stride);
      }
      if (!fec().solve(left, right, size, columns, stride)) {
        singular++;
        continue;
      }
      for (let row = 0; row < size; row++) {
        const at = row * stride;
        expect(right.subarray(at, at + columns)).toEqual(wanted.subarray(at, at + columns));
      }
    }
    expect(singular).toBeGreaterThan(10);
    expect(singular).toBeLessThan(200);
    expect(fec().solve(new Uint8Array(4), new Uint8Array(4), 2, 2, 2)).toBe(false);
  });

  test('any lost shards are rebuilt from any that are left', () => {
    const random = new Random(16);
    for (let round = 0; round < 60; round++) {
      const data = 1 + random.below(30);
      const parity = 1 + random.below(12);
      const length = 1 + random.below(80);
      const matrix = parityRows(data, parity);
      const offsets = Uint32Array.from({ length: data + parity }, (_, i) => i * length);
      const slab = random.bytes((data + parity) * length);
      fec().combine(slab, length, offsets, data, offsets.subarray(data), parity, matrix, data);
      const original = slab.slice();
      const holes = [...offsets.keys()]
        .slice(0, data)
        .filter(() => random.below(3) === 0)
        .slice(0, parity);
      const rows = Array.from({ length: parity }, (_, i) => i)
        .toSorted(() => random.below(3) - 1)
        .slice(0, holes.length);
      const kept = [...offsets.keys()].slice(0, data).filter((shard) => !holes.includes(shard));
      const left = Uint8Array.from(rows.flatMap((row) => holes.map((hole) => matrix[row * data + hole]!)));
      // Padded to one stride: the present data, then the parity shards that are used.
      const stride = data;
      const square = new Uint8Array(stride * holes.length);
      const right = new Uint8Array(stride * holes.length);
      for (const [i, row] of rows.entries()) {
        square.set(left.subarray(i * holes.length, (i + 1) * holes.length), i * stride);
        right.set(
          [...kept.map((shard) => matrix[row * data + shard]!), ...rows.map((other) => Number(other === row))],
          i * stride,
        );
      }
      expect(fec().solve(square, right, holes.length, data, stride)).toBe(true);
      for (const hole of holes) slab.fill(0, hole * length, (hole + 1) * length);
      const inputs = Uint32Array.from([...kept, ...rows.map((row) => data + row)], (shard) => shard * length);
      const outputs = Uint32Array.from(holes, (hole) => hole * length);
      fec().combine(slab, length, inputs, data, outputs, holes.length, right, stride);
      expect(Buffer.compare(slab, original)).toBe(0);
    }
  });

  test('what does not fit or overlaps is refused before anything is written', () => {
    const slab = new Uint8Array(100).fill(7);
    const two = Uint32Array.of(0, 10);
    const matrix = new Uint8Array(4);
    const within = new Uint8Array(slab.buffer, 24, 4);
    const cases: Array<Parameters<NativeFec['combine']>> = [
      [slab, 10, two, 2, Uint32Array.of(91), 1, matrix, 2],
      [slab, 10, Uint32Array.of(0xffff_fffe), 1, two, 1, matrix, 1],
      [slab, 0xffff_ffff, two, 1, two.subarray(1), 1, matrix, 1],
      [slab, 10, two, 3, Uint32Array.of(20), 1, matrix, 3],
      [slab, 10, two, 1, Uint32Array.of(20), 2, matrix, 1],
      [slab, 10, two, 2, Uint32Array.of(20), 1, matrix, 1],
      [slab, 10, two, 2, Uint32Array.of(20, 30), 2, matrix.subarray(1), 2],
      [slab, 10, two, 2, Uint32Array.of(20, 30), 2, matrix, 3],
      [slab, 10, two, 2, Uint32Array.of(19), 1, matrix, 2],
      [slab, 10, two, 2, Uint32Array.of(20, 29), 2, matrix, 2],
      [slab, 10, two, 2, Uint32Array.of(20), 1, within, 2],
      [slab, 10, two, 256, two, 1, matrix, 256],
      [slab, 10, two, 1, Uint32Array.of(20), 1, matrix, 1, 3],
    ];
    for (const [index, one] of cases.entries()) {
      let code: string | undefined;
      try {
        fec().combine(...one);
      } catch (error) {
        code = (error as NativeError).code;
      }
      expect(code, `case ${index}`).toBe('NATIVE_RANGE');
    }
    expect(slab.every((byte) => byte === 7)).toBe(true);
  });
});

import { BlockCoder } from './block-coder.js';
import { products } from './field.js';
import type { Combine, Fec } from './types.js';

/** Reed-Solomon in plain TypeScript: the reference, and what runs where WebAssembly has no SIMD. */
export function createScalarFec(): Fec {
  return new BlockCoder('scalar', combine);
}

const combine: Combine = (slab, shardBytes, inputs, inputCount, outputs, outputCount, matrix, stride) => {
  const table = products();
  for (let row = 0; row < outputCount; row++) {
    const at = outputs[row]!;
    const output = slab.subarray(at, at + shardBytes);
    for (let column = 0; column < inputCount; column++) {
      const from = inputs[column]!;
      const factor = matrix[row * stride + column]! << 8;
      if (column === 0) for (let i = 0; i < shardBytes; i++) output[i] = table[factor | slab[from + i]!]!;
      else for (let i = 0; i < shardBytes; i++) output[i]! ^= table[factor | slab[from + i]!]!;
    }
  }
};

/** Most shards of a block, data and parity together. */
export const MAX_SHARDS = 255;

/**
 * Reed-Solomon over GF(2^8), systematic: the first `data` shards of a block are the data, the `parity` behind them are sums
 * of it. Any `data` shards give the block back. The code is that of docs/UDP.md, whatever computes it.
 *
 * All shards of a call are `shardBytes` long and lie in one `slab`; `offsets[i]` says where shard i begins. `offsets` holds
 * at least `data + parity` entries. Both calls throw a `RangeError` when an argument does not fit, before anything is written.
 */
export interface Fec {
  /** What computes: `scalar` TypeScript, `wasm` with SIMD, or the `native` addon. All give the same bytes. */
  readonly kind: 'scalar' | 'wasm' | 'native';

  /** Writes the parity shards of a block. */
  encode(slab: Uint8Array, data: number, parity: number, shardBytes: number, offsets: Uint32Array): void;

  /**
   * Writes the data shards for which `present[i]` is 0, from those that are there; nothing else is written. Missing parity is
   * not rebuilt. False, and nothing is written, when fewer than `data` shards are there. `present` holds `data + parity` entries.
   */
  decode(
    slab: Uint8Array,
    data: number,
    parity: number,
    shardBytes: number,
    offsets: Uint32Array,
    present: Uint8Array,
  ): boolean;
}

/**
 * What differs between implementations: output i = sum over j of matrix[i * stride + j] × input j. `inputs` and
 * `outputs` are offsets in `slab` of shards of `shardBytes`; no output is also an input.
 */
export type Combine = (
  slab: Uint8Array,
  shardBytes: number,
  inputs: Uint32Array,
  inputCount: number,
  outputs: Uint32Array,
  outputCount: number,
  matrix: Uint8Array,
  stride: number,
) => void;

/**
 * Makes `right` = `left`^-1 × `right`: `left` has `size` rows and columns, `right` `size` rows of `columns`, both with `stride`
 * bytes from row to row. `left` can be inverted, and is overwritten.
 */
export type Solve = (left: Uint8Array, right: Uint8Array, size: number, columns: number, stride: number) => void;

/** The kernels for Reed-Solomon, by the instructions they use. */
export type FecKernel = 'avx2' | 'ssse3' | 'scalar';

/** Most inputs, and most outputs, of one call. */
export const MAX_SHARDS = 255;

/** Reed-Solomon's arithmetic over GF(2^8) with the polynomial 0x11d. Which matrix makes a code of it is for the caller. */
export interface NativeFec {
  /** The kernels that this processor can run, best first. All give the same bytes. */
  readonly kernels: readonly FecKernel[];

  /**
   * Writes output i = sum over j of `matrix[i * stride + j]` × input j, for `shardBytes` bytes each. `inputs` and `outputs`
   * hold the offsets of shards in `slab`, of which the first `inputCount` and `outputCount` count. No output may overlap
   * another shard or the matrix. `kernel` is an index of `kernels`, by default 0. Throws `NATIVE_RANGE`, with nothing
   * written, when anything does not fit.
   */
  combine(
    slab: Uint8Array,
    shardBytes: number,
    inputs: Uint32Array,
    inputCount: number,
    outputs: Uint32Array,
    outputCount: number,
    matrix: Uint8Array,
    stride: number,
    kernel?: number,
  ): void;

  /**
   * Makes `right` = `left`^-1 × `right` by elimination, which is how the matrix that rebuilds lost shards is found: `left` has
   * `size` rows and columns, `right` `size` rows of `columns`, both with `stride` bytes from row to row. Returns false when
   * `left` has no inverse. `left` is overwritten, and `right` is worth nothing after false. Throws `NATIVE_RANGE`, with nothing
   * written, when anything does not fit or the two overlap.
   */
  solve(left: Uint8Array, right: Uint8Array, size: number, columns: number, stride: number): boolean;
}

import { invert, lazily, multiply } from './field.js';
import { MAX_SHARDS, type Solve } from './types.js';

/** Columns of a row of `parityMatrix`. */
export const STRIDE = 256;

/**
 * The parity rows: row i, column j is (255 ^ j) / ((255 - i) ^ j), at STRIDE × i + j, for i + j < 255. It is a Cauchy matrix
 * 1 / (x_i ^ y_j) with x_i = 255 - i and y_j = j, each column scaled so that row 0 is all ones: the first parity shard is
 * the plain exclusive-or of the data. Every square part of it can be inverted, so any losses up to the parity count can be
 * repaired. A row depends neither on how many data shards there are nor on how many parity shards.
 */
export const parityMatrix: () => Uint8Array = lazily(() => {
  const matrix = new Uint8Array(STRIDE * MAX_SHARDS);
  for (let row = 0; row < MAX_SHARDS; row++) {
    for (let column = 0; row + column < MAX_SHARDS; column++) {
      matrix[STRIDE * row + column] = multiply(255 ^ column, invert((255 - row) ^ column));
    }
  }
  return matrix;
});

/** What `solve` needs of memory, reused from call to call. */
export class Solver {
  readonly #left = new Uint8Array(STRIDE * MAX_SHARDS);
  readonly #right = new Uint8Array(STRIDE * MAX_SHARDS);
  readonly #eliminate: Solve;

  constructor(eliminate: Solve = gaussJordan) {
    this.#eliminate = eliminate;
  }

  /**
   * The matrix (STRIDE columns) that gives the missing data shards, `holes`, from the present data shards, in their order, and
   * then the parity shards `rows`, as many as there are holes. Valid until the next call.
   */
  solve(data: number, holes: readonly number[], rows: readonly number[], present: Uint8Array): Uint8Array {
    const size = holes.length;
    const matrix = parityMatrix();
    const left = this.#left;
    const right = this.#right;
    // parity row = sum over the holes (left) + sum over what is present; so the holes = left^-1 × (present sums + parity).
    for (let row = 0; row < size; row++) {
      const source = STRIDE * rows[row]!;
      const at = STRIDE * row;
      for (let column = 0; column < size; column++) left[at + column] = matrix[source + holes[column]!]!;
      let column = 0;
      for (let shard = 0; shard < data; shard++) {
        if (present[shard] !== 0) right[at + column++] = matrix[source + shard]!;
      }
      for (let other = 0; other < size; other++) right[at + column + other] = other === row ? 1 : 0;
    }
    this.#eliminate(left, right, size, data, STRIDE);
    return right;
  }
}

/** No pivot can be 0: every leading part of a Cauchy matrix can be inverted. */
function gaussJordan(left: Uint8Array, right: Uint8Array, size: number, columns: number, stride: number): void {
  for (let pivot = 0; pivot < size; pivot++) {
    const at = stride * pivot;
    const scale = invert(left[at + pivot]!);
    scaleRow(left, at, size, scale);
    scaleRow(right, at, columns, scale);
    for (let row = 0; row < size; row++) {
      const factor = left[stride * row + pivot]!;
      if (row === pivot || factor === 0) continue;
      addRow(left, stride * row, at, size, factor);
      addRow(right, stride * row, at, columns, factor);
    }
  }
}

function scaleRow(matrix: Uint8Array, at: number, length: number, factor: number): void {
  for (let i = at; i < at + length; i++) matrix[i] = multiply(matrix[i]!, factor);
}

function addRow(matrix: Uint8Array, to: number, from: number, length: number, factor: number): void {
  for (let i = 0; i < length; i++) matrix[to + i]! ^= multiply(matrix[from + i]!, factor);
}

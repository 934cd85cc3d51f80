import { parityMatrix, Solver, STRIDE } from './matrix.js';
import { MAX_SHARDS, type Combine, type Fec, type Solve } from './types.js';

/** The code itself, on top of whatever multiplies matrices and, if it is quicker than TypeScript, inverts them. */
export class BlockCoder implements Fec {
  readonly kind: Fec['kind'];
  readonly #combine: Combine;
  readonly #solver: Solver;
  readonly #inputs = new Uint32Array(MAX_SHARDS);
  readonly #outputs = new Uint32Array(MAX_SHARDS);
  readonly #holes: number[] = [];
  readonly #rows: number[] = [];

  constructor(kind: Fec['kind'], combine: Combine, solve?: Solve) {
    this.kind = kind;
    this.#combine = combine;
    this.#solver = new Solver(solve);
  }

  encode(slab: Uint8Array, data: number, parity: number, shardBytes: number, offsets: Uint32Array): void {
    check(slab, data, parity, shardBytes, offsets);
    if (parity === 0) return;
    const outputs = this.#outputs;
    for (let row = 0; row < parity; row++) outputs[row] = offsets[data + row]!;
    this.#combine(slab, shardBytes, offsets, data, outputs, parity, parityMatrix(), STRIDE);
  }

  decode(
    slab: Uint8Array,
    data: number,
    parity: number,
    shardBytes: number,
    offsets: Uint32Array,
    present: Uint8Array,
  ): boolean {
    check(slab, data, parity, shardBytes, offsets);
    if (present.length < data + parity) throw new RangeError(`present holds ${present.length} entries`);
    const holes = this.#holes;
    const rows = this.#rows;
    holes.length = 0;
    rows.length = 0;
    let inputs = 0;
    for (let shard = 0; shard < data; shard++) {
      if (present[shard] === 0) holes.push(shard);
      else this.#inputs[inputs++] = offsets[shard]!;
    }
    for (let row = 0; row < parity && rows.length < holes.length; row++) {
      if (present[data + row] === 0) continue;
      rows.push(row);
      this.#inputs[inputs++] = offsets[data + row]!;
    }
    if (rows.length < holes.length) return false;
    if (holes.length === 0) return true;
    for (const [index, hole] of holes.entries()) this.#outputs[index] = offsets[hole]!;
    const matrix = this.#solver.solve(data, holes, rows, present);
    this.#combine(slab, shardBytes, this.#inputs, data, this.#outputs, holes.length, matrix, STRIDE);
    return true;
  }
}

function check(slab: Uint8Array, data: number, parity: number, shardBytes: number, offsets: Uint32Array): void {
  if (!(Number.isInteger(data) && Number.isInteger(parity) && data >= 1 && parity >= 0)) {
    throw new RangeError(`${data} data and ${parity} parity shards`);
  }
  const shards = data + parity;
  if (shards > MAX_SHARDS) throw new RangeError(`a block has at most ${MAX_SHARDS} shards, not ${shards}`);
  if (!Number.isInteger(shardBytes) || shardBytes < 1) throw new RangeError(`shards of ${shardBytes} bytes`);
  if (offsets.length < shards) throw new RangeError(`${offsets.length} offsets for ${shards} shards`);
  for (let i = 0; i < shards; i++) {
    if (offsets[i]! + shardBytes > slab.length) throw new RangeError(`shard ${i} lies outside the slab`);
  }
}

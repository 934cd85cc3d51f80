import { MAX_SHARDS } from './types.js';

/** Most shards of a frame, data and parity together: their numbers travel in 16 bits. */
export const MAX_FRAME_SHARDS = 65_535;
/** Most blocks of a frame: their count travels in 8 bits. */
export const MAX_BLOCKS = 255;

/** How a frame is cut: what every one of its packets says, so that any of them alone is enough to place it. */
export interface FrameShape {
  /** Bytes of the frame, at least 1. */
  readonly bytes: number;
  /** Bytes of each shard; the last data shard is filled up with zeros. */
  readonly shardBytes: number;
  readonly blocks: number;
  /** Blocks whose shards take turns on the wire, 1 up to `blocks`. */
  readonly depth: number;
  /** Parity shards of each block. */
  readonly parity: number;
}

export function sameShape(a: FrameShape, b: FrameShape): boolean {
  return (
    a.bytes === b.bytes &&
    a.shardBytes === b.shardBytes &&
    a.blocks === b.blocks &&
    a.depth === b.depth &&
    a.parity === b.parity
  );
}

/**
 * Where the shards of a frame stand. A frame of N data shards in B blocks: the first N mod B blocks have one more than the rest.
 * `depth` blocks behind each other make a group. The shards of a group take turns: data shard r of the group's c-th block
 * comes r × (blocks of the group) + c behind the group's first. So a burst of losses no longer than `depth` takes at most
 * one shard of each block, and data shards in the order of their numbers are the frame's bytes in order.
 * Parity shards are numbered from N on, in the same way.
 */
export class FrameLayout {
  readonly shape: FrameShape;
  /** Data shards. */
  readonly data: number;
  /** All shards. */
  readonly shards: number;
  readonly #small: number;
  readonly #larger: number;

  /** Undefined when the shape is impossible: what arrives is checked here, before anything is allocated for it. */
  static of(shape: FrameShape): FrameLayout | undefined {
    const { bytes, shardBytes, blocks, depth, parity } = shape;
    if (bytes < 1 || shardBytes < 1 || blocks < 1 || blocks > MAX_BLOCKS || depth < 1 || depth > blocks)
      return undefined;
    const data = Math.ceil(bytes / shardBytes);
    if (blocks > data || Math.ceil(data / blocks) + parity > MAX_SHARDS) return undefined;
    if (data + blocks * parity > MAX_FRAME_SHARDS) return undefined;
    return new FrameLayout(shape, data);
  }

  private constructor(shape: FrameShape, data: number) {
    this.shape = shape;
    this.data = data;
    this.shards = data + shape.blocks * shape.parity;
    this.#small = Math.floor(data / shape.blocks);
    this.#larger = data % shape.blocks;
  }

  /** Bytes of a slab that holds all shards by number. */
  get slabBytes(): number {
    return this.shards * this.shape.shardBytes;
  }

  /** Data shards of a block. */
  dataOf(block: number): number {
    return this.#small + (block < this.#larger ? 1 : 0);
  }

  /** The block of a shard. */
  blockOf(shard: number): number {
    const { depth, parity, blocks } = this.shape;
    if (shard >= this.data) {
      const at = shard - this.data;
      const first = Math.floor(at / (parity * depth)) * depth;
      return first + ((at - first * parity) % Math.min(depth, blocks - first));
    }
    let first = 0;
    while (first + depth < blocks && shard >= this.#firstShard(first + depth)) first += depth;
    return first + ((shard - this.#firstShard(first)) % Math.min(depth, blocks - first));
  }

  /** The number of a block's shard: `index` counts its data shards, then its parity shards. */
  shardOf(block: number, index: number): number {
    const { depth, parity, blocks } = this.shape;
    const first = block - (block % depth);
    const turns = Math.min(depth, blocks - first);
    const data = this.dataOf(block);
    if (index < data) return this.#firstShard(first) + index * turns + (block - first);
    return this.data + first * parity + (index - data) * turns + (block - first);
  }

  /** Writes the offset in the slab of each shard of a block, as `Fec` wants them. */
  offsets(block: number, into: Uint32Array): void {
    const count = this.dataOf(block) + this.shape.parity;
    for (let index = 0; index < count; index++) into[index] = this.shardOf(block, index) * this.shape.shardBytes;
  }

  /** Shard numbers in the order in which they are best sent: each group's data, then its parity. */
  order(): Uint16Array {
    const { depth, parity, blocks } = this.shape;
    const order = new Uint16Array(this.shards);
    let at = 0;
    for (let first = 0; first < blocks; first += depth) {
      const next = Math.min(first + depth, blocks);
      const end = next === blocks ? this.data : this.#firstShard(next);
      for (let shard = this.#firstShard(first); shard < end; shard++) order[at++] = shard;
      for (let shard = first * parity; shard < next * parity; shard++) order[at++] = this.data + shard;
    }
    return order;
  }

  #firstShard(block: number): number {
    return block * this.#small + Math.min(block, this.#larger);
  }
}

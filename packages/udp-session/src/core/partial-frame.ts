import { FrameLayout, sameShape, type FrameShape } from '../fec/layout.js';
import type { SlabPool } from './slab-pool.js';

const NONE = FrameLayout.of({ bytes: 1, shardBytes: 1, blocks: 1, depth: 1, parity: 0 })!;

/**
 * A frame that is not whole yet. All that it needs of memory is in one slab: its shards by number, behind them a byte for each
 * shard that says whether it is there, and a byte for each block that counts those that are.
 */
export class PartialFrame {
  readonly slab: Uint8Array;
  /** Where it is given back. */
  readonly pool: FramePool;
  index = 0;
  layout: FrameLayout = NONE;
  blocksLeft = 0;
  recovered = 0;
  deadlineAt = 0;
  lastAt = 0;
  /** When a later frame was first seen; Infinity before. */
  passedAt: number = Number.POSITIVE_INFINITY;
  /** When shards may be asked for again; Infinity before they were asked for once. */
  wantAt: number = Number.POSITIVE_INFINITY;
  #view: Uint8Array | undefined;

  constructor(slab: Uint8Array, pool: FramePool) {
    this.slab = slab;
    this.pool = pool;
  }

  /** Begins a frame of which nothing is there. */
  begin(index: number, layout: FrameLayout, deadlineAt: number, now: number): void {
    this.slab.fill(0, layout.slabBytes, layout.slabBytes + layout.shards + layout.shape.blocks);
    this.index = index;
    this.layout = layout;
    this.blocksLeft = layout.shape.blocks;
    this.recovered = 0;
    this.deadlineAt = deadlineAt;
    this.lastAt = now;
    this.passedAt = Number.POSITIVE_INFINITY;
    this.wantAt = Number.POSITIVE_INFINITY;
  }

  /** 1 when a shard is there, else 0. */
  has(shard: number): number {
    return this.slab[this.layout.slabBytes + shard]!;
  }

  /** Shards of a block that are there. */
  countOf(block: number): number {
    return this.slab[this.layout.slabBytes + this.layout.shards + block]!;
  }

  /** Notes a shard, and returns how many of its block are there. */
  note(shard: number, block: number): number {
    const { slabBytes, shards } = this.layout;
    this.slab[slabBytes + shard] = 1;
    return ++this.slab[slabBytes + shards + block]!;
  }

  /** A view of the slab; the last one, where it is the same part: who gives the memory back gives it back, too. */
  view(from: number, to: number): Uint8Array {
    const view = this.#view;
    if (view !== undefined && view.byteOffset === this.slab.byteOffset + from && view.length === to - from) return view;
    return (this.#view = this.slab.subarray(from, to));
  }
}

/** Frames to be put together, in memory that is used again. */
export class FramePool {
  readonly #slabs: SlabPool;
  /** Objects live as long as their slabs, and are used again with them. */
  readonly #frames = new WeakMap<Uint8Array, PartialFrame>();
  #layout = NONE;

  constructor(slabs: SlabPool) {
    this.#slabs = slabs;
  }

  /** How a frame is laid out, or undefined when its shape is impossible. Frames of one shape often follow each other. */
  layoutOf(shape: FrameShape): FrameLayout | undefined {
    if (sameShape(shape, this.#layout.shape)) return this.#layout;
    const layout = FrameLayout.of({ ...shape });
    if (layout !== undefined) this.#layout = layout;
    return layout;
  }

  /** A frame with room for what is laid out so, or undefined when that would go past the bound. Then it has to `begin`. */
  take(layout: FrameLayout): PartialFrame | undefined {
    const slab = this.#slabs.take(layout.slabBytes + layout.shards + layout.shape.blocks);
    if (slab === undefined) return undefined;
    let frame = this.#frames.get(slab);
    if (frame === undefined) this.#frames.set(slab, (frame = new PartialFrame(slab, this)));
    return frame;
  }

  give(frame: PartialFrame): void {
    this.#slabs.give(frame.slab);
  }
}

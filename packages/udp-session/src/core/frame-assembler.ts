import { FrameLayout, type FrameShape } from '../fec/layout.js';
import { MAX_SHARDS, type Fec } from '../fec/types.js';
import { readU32 } from './bytes.js';
import { ReplayWindow } from './replay-window.js';
import type { SlabPool } from './slab-pool.js';
import type { SessionStats } from './stats.js';
import { ViewCache } from './view-cache.js';

/** In front of a frame's bytes, protected like them: flags (8 bits), then pts (64 bits). */
export const FRAME_HEAD_BYTES = 9;

export interface AssemblerOptions {
  /** Largest frame, bytes. */
  readonly maxFrameBytes: number;
  /** Most frames that are put together at a time. */
  readonly maxFrames: number;
  /** A frame is given up at this age at the latest, ms. */
  readonly maxAgeMs: number;
}

/** A whole frame. */
export interface FrameEvent {
  type: 'frame';
  /** A view of memory that is used again after `release`. */
  data: Uint8Array;
  /** Counts the frames of the sender. Frames are given out as they become whole, which may be out of order. */
  index: number;
  /** What the sender said, 0 to 255. */
  flags: number;
  /** What the sender said: a whole number, 0 to 2^53 - 1. */
  pts: number;
  /** Data shards that parity gave back. */
  recovered: number;
  /** Gives the memory back. Frames that are kept are counted against the session's bound. Calls after the first do nothing. */
  release(): void;
}

/** A frame that is not whole yet. */
export interface PartialFrame {
  readonly index: number;
  readonly layout: FrameLayout;
  readonly slab: Uint8Array;
  readonly have: Uint8Array;
  /** Shards that are there, per block. */
  readonly counts: Uint16Array;
  blocksLeft: number;
  recovered: number;
  readonly deadlineAt: number;
  lastAt: number;
  /** When a later frame was first seen. */
  passedAt: number | undefined;
  /** When shards may be asked for again; asked once at least if it is set. */
  wantAt: number | undefined;
}

/**
 * Puts frames together from shards in any order. Bytes, frames and ages are bounded, and checked before anything is allocated:
 * a frame for which there is no room displaces older ones, never newer.
 */
export class FrameAssembler {
  readonly #options: AssemblerOptions;
  readonly #fec: Fec;
  readonly #pool: SlabPool;
  readonly #stats: SessionStats;
  /** In order of their first shard. */
  readonly #partial = new Map<number, PartialFrame>();
  /** Frames that are over, whole or given up. */
  readonly #over = new ReplayWindow();
  readonly #ready: FrameEvent[] = [];
  readonly #offsets = new Uint32Array(MAX_SHARDS);
  readonly #present = new Uint8Array(MAX_SHARDS);
  readonly #views = new ViewCache();
  #slab: Uint8Array | undefined;
  #newest = -1;

  constructor(options: AssemblerOptions, fec: Fec, pool: SlabPool, stats: SessionStats) {
    this.#options = options;
    this.#fec = fec;
    this.#pool = pool;
    this.#stats = stats;
  }

  /** Frames that are not whole. */
  get partial(): Iterable<PartialFrame> {
    return this.#partial.values();
  }

  /** Whether a frame is whole, given up, or begun. */
  isKnown(index: number): boolean {
    return this.#partial.has(index) || this.#over.look(index) !== 'fresh';
  }

  poll(): FrameEvent | undefined {
    return this.#ready.shift();
  }

  /**
   * A shard: its bytes stand in `slab` at `at` and are `shape.shardBytes` long. `shape` may be used again for the next one. False when it breaks the rules: an impossible
   * shape, or another one than that of the frame's earlier shards.
   */
  add(
    index: number,
    shape: FrameShape,
    shard: number,
    deadlineMs: number,
    slab: Uint8Array,
    at: number,
    now: number,
  ): boolean {
    let frame = this.#partial.get(index);
    if (frame === undefined) {
      const layout = FrameLayout.of({ ...shape });
      if (layout === undefined || shard >= layout.shards) return false;
      if (shape.bytes < FRAME_HEAD_BYTES || shape.bytes > this.#options.maxFrameBytes + FRAME_HEAD_BYTES) return false;
      if (this.#over.look(index) !== 'fresh') {
        this.#stats.shardsSurplus++;
        return true;
      }
      frame = this.#begin(index, layout, deadlineMs, now);
      if (frame === undefined) return true;
    } else if (!sameShape(frame.layout.shape, shape) || shard >= frame.layout.shards) {
      return false;
    }
    this.#store(frame, shard, slab, at, now);
    return true;
  }

  /** Gives up frames whose time is over. */
  expire(now: number): void {
    for (const frame of this.#partial.values()) if (frame.deadlineAt <= now) this.#drop(frame);
  }

  /** When the next frame is given up. */
  get expireAt(): number | undefined {
    let at: number | undefined;
    for (const frame of this.#partial.values()) if (at === undefined || frame.deadlineAt < at) at = frame.deadlineAt;
    return at;
  }

  /** Gives up a frame of which nothing came; later shards of it are surplus. */
  giveUp(index: number): void {
    if (this.#over.commit(index)) this.#stats.framesDropped++;
  }

  #begin(index: number, layout: FrameLayout, deadlineMs: number, now: number): PartialFrame | undefined {
    while (this.#partial.size >= this.#options.maxFrames) if (!this.#displace(index)) return undefined;
    let slab = this.#pool.take(layout.slabBytes);
    while (slab === undefined) {
      if (!this.#displace(index)) return undefined;
      slab = this.#pool.take(layout.slabBytes);
    }
    const counts = new Uint16Array(layout.shape.blocks);
    const frame: PartialFrame = {
      index,
      layout,
      slab,
      have: new Uint8Array(layout.shards),
      counts,
      blocksLeft: layout.shape.blocks,
      recovered: 0,
      deadlineAt: now + Math.min(deadlineMs, this.#options.maxAgeMs),
      lastAt: now,
      passedAt: index < this.#newest ? now : undefined,
      wantAt: undefined,
    };
    if (index > this.#newest) {
      for (const earlier of this.#partial.values()) earlier.passedAt ??= now;
      this.#newest = index;
    }
    this.#partial.set(index, frame);
    return frame;
  }

  /** Gives up the oldest frame, if it is older than `index`. */
  #displace(index: number): boolean {
    let oldest: PartialFrame | undefined;
    for (const frame of this.#partial.values()) if (oldest === undefined || frame.index < oldest.index) oldest = frame;
    if (oldest === undefined || oldest.index > index) return false;
    this.#drop(oldest);
    return true;
  }

  #drop(frame: PartialFrame): void {
    this.#partial.delete(frame.index);
    this.#pool.give(frame.slab);
    this.#over.commit(frame.index);
    this.#stats.framesDropped++;
  }

  #store(frame: PartialFrame, shard: number, slab: Uint8Array, at: number, now: number): void {
    const { layout, have, counts } = frame;
    const block = layout.blockOf(shard);
    const needed = layout.dataOf(block);
    if (have[shard] !== 0 || counts[block]! >= needed) {
      this.#stats.shardsSurplus++;
      return;
    }
    frame.lastAt = now;
    const { shardBytes } = layout.shape;
    frame.slab.set(this.#view(slab, at, shardBytes), shard * shardBytes);
    have[shard] = 1;
    if (frame.wantAt !== undefined) this.#stats.shardsRetransmitted++;
    if (++counts[block]! < needed) return;
    this.#repair(frame, block, needed);
    if (--frame.blocksLeft === 0) this.#complete(frame);
  }

  /** A ring is received into again and again; a buffer that is made for each packet is not worth remembering. */
  #view(slab: Uint8Array, at: number, bytes: number): Uint8Array {
    if (slab === this.#slab) return this.#views.view(slab, at, bytes);
    this.#slab = slab;
    return slab.subarray(at, at + bytes);
  }

  /** A block has as many shards as it has data: rebuilds the data that is missing. */
  #repair(frame: PartialFrame, block: number, needed: number): void {
    const { layout, have, slab } = frame;
    let holes = 0;
    for (let i = 0; i < needed + layout.shape.parity; i++) {
      this.#present[i] = have[layout.shardOf(block, i)]!;
      if (i < needed && this.#present[i] === 0) holes++;
    }
    if (holes === 0) return;
    layout.offsets(block, this.#offsets);
    this.#fec.decode(slab, needed, layout.shape.parity, layout.shape.shardBytes, this.#offsets, this.#present);
    frame.recovered += holes;
    this.#stats.shardsRecovered += holes;
  }

  #complete(frame: PartialFrame): void {
    const { slab, index, recovered } = frame;
    this.#partial.delete(index);
    this.#over.commit(index);
    this.#stats.framesCompleted++;
    if (recovered > 0) this.#stats.framesRecovered++;
    let released = false;
    this.#ready.push({
      type: 'frame',
      data: slab.subarray(FRAME_HEAD_BYTES, frame.layout.shape.bytes),
      index,
      flags: slab[0]!,
      pts: readU32(slab, 1) * 2 ** 32 + readU32(slab, 5),
      recovered,
      release: () => {
        if (released) return;
        released = true;
        this.#pool.give(slab);
      },
    });
  }
}

function sameShape(a: FrameShape, b: FrameShape): boolean {
  return (
    a.bytes === b.bytes &&
    a.shardBytes === b.shardBytes &&
    a.blocks === b.blocks &&
    a.depth === b.depth &&
    a.parity === b.parity
  );
}

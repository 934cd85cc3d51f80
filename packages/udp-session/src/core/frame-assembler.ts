import { sameShape, type FrameLayout, type FrameShape } from '../fec/layout.js';
import { MAX_SHARDS, type Fec } from '../fec/types.js';
import type { Earliest } from './earliest.js';
import { FramePool, type PartialFrame } from './partial-frame.js';
import { ReplayWindow } from './replay-window.js';
import type { SlabPool } from './slab-pool.js';
import type { SessionStats } from './stats.js';
import { ViewCache } from './view-cache.js';
import { FRAME_HEAD_BYTES, WholeFrame, type FrameEvent } from './whole-frame.js';

export interface AssemblerOptions {
  /** Largest frame, bytes. */
  readonly maxFrameBytes: number;
  /** Most frames that are put together at a time. */
  readonly maxFrames: number;
  /** A frame is given up at this age at the latest, ms. */
  readonly maxAgeMs: number;
}

/**
 * Puts frames together from shards in any order. Bytes, frames and ages are bounded, and checked before anything is allocated:
 * a frame for which there is no room displaces older ones, never newer.
 */
export class FrameAssembler {
  readonly #options: AssemblerOptions;
  readonly #fec: Fec;
  readonly #pool: FramePool;
  readonly #stats: SessionStats;
  /** In order of their first shard. Few, as a rule, and the last ones are looked for: a map would cost more, and memory. */
  readonly #partial: PartialFrame[] = [];
  /** No frame is due before this. */
  #expireAt = Number.POSITIVE_INFINITY;
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
    this.#pool = new FramePool(pool);
    this.#stats = stats;
  }

  /** Frames that are not whole. */
  get partial(): readonly PartialFrame[] {
    return this.#partial;
  }

  /** Whether a frame is whole, given up, or begun. */
  isKnown(index: number): boolean {
    return this.#find(index) !== undefined || this.#over.look(index) !== 'fresh';
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
    let frame = this.#find(index);
    if (frame === undefined) {
      const layout = this.#pool.layoutOf(shape);
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
    if (now < this.#expireAt) return;
    this.#expireAt = Number.POSITIVE_INFINITY;
    for (let i = this.#partial.length - 1; i >= 0; i--) {
      const frame = this.#partial[i]!;
      if (frame.deadlineAt <= now) this.#drop(frame);
      else this.#expireAt = Math.min(this.#expireAt, frame.deadlineAt);
    }
  }

  /** Adds when `expire` may have something to do next. */
  addTime(earliest: Earliest): void {
    if (this.#partial.length > 0) earliest.add(this.#expireAt);
  }

  /** Gives up a frame of which nothing came; later shards of it are surplus. */
  giveUp(index: number): void {
    if (this.#over.commit(index)) this.#stats.framesDropped++;
  }

  #begin(index: number, layout: FrameLayout, deadlineMs: number, now: number): PartialFrame | undefined {
    while (this.#partial.length >= this.#options.maxFrames) if (!this.#displace(index)) return undefined;
    let frame = this.#pool.take(layout);
    while (frame === undefined) {
      if (!this.#displace(index)) return undefined;
      frame = this.#pool.take(layout);
    }
    frame.begin(index, layout, now + Math.min(deadlineMs, this.#options.maxAgeMs), now);
    if (frame.deadlineAt < this.#expireAt) this.#expireAt = frame.deadlineAt;
    if (index > this.#newest) {
      for (const earlier of this.#partial) if (earlier.passedAt > now) earlier.passedAt = now;
      this.#newest = index;
    } else {
      frame.passedAt = now;
    }
    this.#partial.push(frame);
    return frame;
  }

  /** Gives up the oldest frame, if it is older than `index`. */
  #displace(index: number): boolean {
    let oldest: PartialFrame | undefined;
    for (const frame of this.#partial) if (oldest === undefined || frame.index < oldest.index) oldest = frame;
    if (oldest === undefined || oldest.index > index) return false;
    this.#drop(oldest);
    return true;
  }

  #drop(frame: PartialFrame): void {
    this.#end(frame);
    this.#pool.give(frame);
    this.#stats.framesDropped++;
  }

  #store(frame: PartialFrame, shard: number, slab: Uint8Array, at: number, now: number): void {
    const { layout } = frame;
    const block = layout.blockOf(shard);
    const needed = layout.dataOf(block);
    if (frame.has(shard) !== 0 || frame.countOf(block) >= needed) {
      this.#stats.shardsSurplus++;
      return;
    }
    frame.lastAt = now;
    const { shardBytes } = layout.shape;
    frame.slab.set(this.#view(slab, at, shardBytes), shard * shardBytes);
    if (frame.wantAt < Number.POSITIVE_INFINITY) this.#stats.shardsRetransmitted++;
    if (frame.note(shard, block) < needed) return;
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
    const { layout, slab } = frame;
    let holes = 0;
    for (let i = 0; i < needed + layout.shape.parity; i++) {
      this.#present[i] = frame.has(layout.shardOf(block, i));
      if (i < needed && this.#present[i] === 0) holes++;
    }
    if (holes === 0) return;
    layout.offsets(block, this.#offsets);
    this.#fec.decode(slab, needed, layout.shape.parity, layout.shape.shardBytes, this.#offsets, this.#present);
    frame.recovered += holes;
    this.#stats.shardsRecovered += holes;
  }

  #complete(frame: PartialFrame): void {
    this.#end(frame);
    this.#stats.framesCompleted++;
    if (frame.recovered > 0) this.#stats.framesRecovered++;
    this.#ready.push(new WholeFrame(frame));
  }

  /** The frame is not put together any more. */
  #end(frame: PartialFrame): void {
    const frames = this.#partial;
    for (let i = frames.indexOf(frame); i < frames.length - 1; i++) frames[i] = frames[i + 1]!;
    frames.pop();
    this.#over.commit(frame.index);
  }

  #find(index: number): PartialFrame | undefined {
    for (let i = this.#partial.length - 1; i >= 0; i--) if (this.#partial[i]!.index === index) return this.#partial[i];
    return undefined;
  }
}

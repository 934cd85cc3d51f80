import type { ParityController } from '../fec/parity-controller.js';
import { FrameLayout, MAX_BLOCKS, MAX_FRAME_SHARDS } from '../fec/layout.js';
import { MAX_SHARDS, type Fec } from '../fec/types.js';
import { SessionError } from '../errors.js';
import { writeU32 } from './bytes.js';
import { FRAME_HEAD_BYTES } from './frame-assembler.js';
import type { SlabPool } from './slab-pool.js';
import type { SessionStats } from './stats.js';

export interface FrameQueueOptions {
  readonly maxFrameBytes: number;
  /** Most data shards of a block. */
  readonly blockShards: number;
  /** Memory of all frames. */
  readonly maxSendBytes: number;
}

/** What a frame is cut for. */
export interface FramePath {
  /** What of a frame fits into a packet. */
  readonly maxShardBytes: number;
  readonly roundTripMs: number;
  /** How fast frames leave, bytes per ms. */
  readonly rate: number;
}

/** What a retransmission takes besides a round trip, ms: until a loss is sure, until it is asked for, until its turn comes. */
const REPAIR_MS = 25;
/** Frames that wait may take this part of the memory: what was sent has to stay for a while, or nothing can be sent again. */
const WAITING_SHARE = 0.5;

/** How a frame is to be sent. */
export interface FrameOptions {
  /** How long the frame is of use, ms, 1 to 60,000. Default 1000. What is not sent or repaired by then is dropped. */
  deadlineMs?: number;
  /** 0 to 255, given to the receiver as it is. Default 0. */
  flags?: number;
  /** A whole number from 0 to 2^53 - 1, given to the receiver as it is. Default 0. */
  pts?: number;
}

/** A frame that is being sent, or kept in case that shards of it are asked for. */
export interface SendFrame {
  readonly index: number;
  readonly layout: FrameLayout;
  readonly slab: Uint8Array;
  readonly deadlineMs: number;
  readonly deadlineAt: number;
  /** Shard numbers in the order in which they are sent. */
  readonly order: Uint16Array;
  /** How many of `order` were sent. */
  sent: number;
  /** Shards to be sent again. */
  readonly again: Set<number>;
}

/** Frames on their way out: cut into shards, with their parity, until their deadline. */
export class FrameQueue {
  readonly #options: FrameQueueOptions;
  readonly #fec: Fec;
  readonly #pool: SlabPool;
  readonly #parity: ParityController;
  readonly #stats: SessionStats;
  readonly #frames = new Map<number, SendFrame>();
  /** Frames with something to send again. */
  readonly #asked = new Set<SendFrame>();
  readonly #offsets = new Uint32Array(MAX_SHARDS);
  #nextIndex = 0;
  /** The first frame of which not everything was sent. */
  #current = 0;
  #pending = 0;

  constructor(options: FrameQueueOptions, fec: Fec, pool: SlabPool, parity: ParityController, stats: SessionStats) {
    this.#options = options;
    this.#fec = fec;
    this.#pool = pool;
    this.#parity = parity;
    this.#stats = stats;
  }

  /** Bytes of shards that are waiting for their first sending. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /**
   * Takes a frame; its bytes are copied.
   * @param path The path as it is now.
   * @returns The index of the frame.
   */
  submit(bytes: Uint8Array, options: FrameOptions, path: FramePath, now: number): number {
    const { deadlineMs = 1000, flags = 0, pts = 0 } = options;
    inRange('deadlineMs', deadlineMs, 1, 60_000);
    inRange('flags', flags, 0, 255);
    inRange('pts', pts, 0, Number.MAX_SAFE_INTEGER);
    const layout = this.#cut(bytes.length + FRAME_HEAD_BYTES, deadlineMs, path);
    const slab = this.#room(layout.slabBytes);
    slab[0] = flags;
    writeU32(slab, 1, Math.floor(pts / 2 ** 32));
    writeU32(slab, 5, pts >>> 0);
    slab.set(bytes, FRAME_HEAD_BYTES);
    slab.fill(0, FRAME_HEAD_BYTES + bytes.length, layout.data * layout.shape.shardBytes);
    const { blocks, parity, shardBytes } = layout.shape;
    for (let block = 0; block < blocks; block++) {
      layout.offsets(block, this.#offsets);
      this.#fec.encode(slab, layout.dataOf(block), parity, shardBytes, this.#offsets);
    }
    const index = this.#nextIndex++;
    this.#frames.set(index, {
      index,
      layout,
      slab,
      deadlineMs,
      deadlineAt: now + deadlineMs,
      order: layout.order(),
      sent: 0,
      again: new Set(),
    });
    this.#pending += layout.slabBytes;
    this.#stats.framesSubmitted++;
    return index;
  }

  /** The frame whose next shard is to go out, or undefined. Take the shard with `take`. */
  next(): SendFrame | undefined {
    // An iterator for each packet would be for nothing.
    if (this.#asked.size > 0) for (const frame of this.#asked) return frame;
    for (; this.#current < this.#nextIndex; this.#current++) {
      const frame = this.#frames.get(this.#current);
      if (frame !== undefined && frame.sent < frame.order.length) return frame;
    }
    return undefined;
  }

  /** Whether what `take` would give of this frame is sent again. */
  isAgain(frame: SendFrame): boolean {
    return frame.again.size > 0;
  }

  /** The number of the shard that goes out now. */
  take(frame: SendFrame): number {
    if (frame.again.size > 0) {
      const shard = frame.again.values().next().value!;
      frame.again.delete(shard);
      if (frame.again.size === 0) this.#asked.delete(frame);
      return shard;
    }
    this.#pending -= frame.layout.shape.shardBytes;
    return frame.order[frame.sent++]!;
  }

  /** The receiver asks for shards of a frame; none named means all of it. Nothing happens when it could not come in time. */
  want(index: number, shards: readonly number[], oneWayMs: number, now: number): void {
    const frame = this.#frames.get(index);
    if (frame === undefined || frame.sent < frame.order.length || now + oneWayMs >= frame.deadlineAt) return;
    if (shards.length === 0) for (let shard = 0; shard < frame.layout.data; shard++) frame.again.add(shard);
    for (const shard of shards) if (shard < frame.layout.shards) frame.again.add(shard);
    if (frame.again.size > 0) this.#asked.add(frame);
  }

  /** Forgets frames whose deadline is over. */
  expire(now: number): void {
    for (const frame of this.#frames.values()) if (frame.deadlineAt <= now) this.#forget(frame);
  }

  #cut(bytes: number, deadlineMs: number, { maxShardBytes, roundTripMs, rate }: FramePath): FrameLayout {
    const { maxFrameBytes, blockShards } = this.#options;
    if (bytes > maxFrameBytes + FRAME_HEAD_BYTES) {
      throw new SessionError('SESSION_TOO_LARGE', `a frame has at most ${maxFrameBytes} bytes`);
    }
    const data = Math.ceil(bytes / maxShardBytes);
    const blocks = Math.ceil(data / blockShards);
    const depth = Math.min(blocks, Math.max(1, Math.ceil(2 * this.#parity.burst)));
    const perBlock = Math.ceil(data / blocks);
    const waitMs = (this.#pending + bytes) / rate + roundTripMs / 2;
    const repairs = Math.max(0, Math.floor((deadlineMs - waitMs) / (roundTripMs + REPAIR_MS)));
    const parity = this.#parity.parityFor(perBlock, depth, repairs);
    const wanted = Math.min(parity, Math.floor((MAX_FRAME_SHARDS - data) / blocks));
    const shape = { bytes, shardBytes: Math.ceil(bytes / data), blocks, depth, parity: Math.max(0, wanted) };
    const layout = blocks > MAX_BLOCKS ? undefined : FrameLayout.of(shape);
    if (layout === undefined) {
      throw new SessionError('SESSION_TOO_LARGE', `a frame of ${bytes} bytes does not fit into packets of this path`);
    }
    return layout;
  }

  /** Memory for a frame. Frames that are only kept in case they are asked for make room, the oldest first. */
  #room(bytes: number): Uint8Array {
    if (this.#pending > 0 && this.#pending + bytes > WAITING_SHARE * this.#options.maxSendBytes) {
      throw new SessionError('SESSION_BUSY', 'frames are given faster than they can be sent');
    }
    for (let slab = this.#pool.take(bytes); ; slab = this.#pool.take(bytes)) {
      if (slab !== undefined) return slab;
      const oldest = this.#frames.values().next().value;
      if (oldest === undefined || oldest.sent < oldest.order.length) {
        throw new SessionError('SESSION_BUSY', 'frames are given faster than they can be sent');
      }
      this.#forget(oldest);
    }
  }

  #forget(frame: SendFrame): void {
    const left = frame.order.length - frame.sent;
    if (left > 0) {
      this.#stats.framesDropped++;
      this.#pending -= left * frame.layout.shape.shardBytes;
    }
    this.#frames.delete(frame.index);
    this.#asked.delete(frame);
    this.#pool.give(frame.slab);
  }
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new SessionError('SESSION_OPTION', `${name} is a whole number from ${least} to ${most}, not ${value}`);
}

import type { ParityController } from '../fec/parity-controller.js';
import { FrameLayout, MAX_BLOCKS, MAX_FRAME_SHARDS, sameShape } from '../fec/layout.js';
import { MAX_SHARDS, type Fec } from '../fec/types.js';
import { SessionError } from '../errors.js';
import { writeU32 } from './bytes.js';
import type { SlabPool } from './slab-pool.js';
import type { SessionStats } from './stats.js';
import { FRAME_HEAD_BYTES } from './whole-frame.js';

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
  /** Shards to be sent again; undefined while none ever was. */
  again: Set<number> | undefined;
  /** The numbers of the packets that carried the first shard and the last one so far. */
  firstPacket: number;
  lastPacket: number;
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
  /** How the last frame was cut: frames of one size follow each other. */
  #layout: FrameLayout | undefined;
  #order: Uint16Array = new Uint16Array(0);
  /** No frame is due before this. */
  #expireAt = Number.POSITIVE_INFINITY;
  #lastDeadlineAt = 0;
  /** Whether the frames that are there are due in their order. */
  #inOrder = true;
  /** Memory of the largest frame that was refused; 0 when none was, or there was room since. */
  #refusedBytes = 0;

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
    if (typeof options !== 'object' || options === null) {
      throw new SessionError('SESSION_OPTION', 'the options of a frame are an object');
    }
    const { deadlineMs = 1000, flags = 0, pts = 0 } = options;
    for (const name in options) {
      if (name !== 'deadlineMs' && name !== 'flags' && name !== 'pts') {
        throw new SessionError('SESSION_OPTION', `there is no option ${name} of a frame`);
      }
    }
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
    const deadlineAt = now + deadlineMs;
    if (this.#frames.size === 0) this.#inOrder = true;
    else if (deadlineAt < this.#lastDeadlineAt) this.#inOrder = false;
    this.#lastDeadlineAt = deadlineAt;
    if (deadlineAt < this.#expireAt) this.#expireAt = deadlineAt;
    this.#frames.set(index, {
      index,
      layout,
      slab,
      deadlineMs,
      deadlineAt,
      order: this.#order,
      sent: 0,
      again: undefined,
      firstPacket: -1,
      lastPacket: -1,
    });
    this.#pending += layout.slabBytes;
    this.#stats.framesSubmitted++;
    return index;
  }

  /** The newest frame, once all of it was sent; undefined before, and when it is of no use any more or known to have arrived. */
  get newestSent(): SendFrame | undefined {
    const newest = this.#frames.get(this.#nextIndex - 1);
    return newest !== undefined && newest.sent === newest.order.length ? newest : undefined;
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
    return frame.again !== undefined && frame.again.size > 0;
  }

  /** The number of the shard that goes out now, in packet `packet`. */
  take(frame: SendFrame, packet: number): number {
    const { again } = frame;
    if (frame.sent === 0) frame.firstPacket = packet;
    frame.lastPacket = packet;
    if (again !== undefined && again.size > 0) {
      const shard = again.values().next().value!;
      again.delete(shard);
      if (again.size === 0) this.#asked.delete(frame);
      return shard;
    }
    this.#pending -= frame.layout.shape.shardBytes;
    return frame.order[frame.sent++]!;
  }

  /** The receiver asks for shards of a frame; none named means all of it. Nothing happens when it could not come in time. */
  want(index: number, shards: readonly number[], oneWayMs: number, now: number): void {
    const frame = this.#frames.get(index);
    if (frame === undefined || frame.sent < frame.order.length || now + oneWayMs >= frame.deadlineAt) return;
    const again = (frame.again ??= new Set());
    if (shards.length === 0) for (let shard = 0; shard < frame.layout.data; shard++) again.add(shard);
    for (const shard of shards) if (shard < frame.layout.shards) again.add(shard);
    if (again.size > 0) this.#asked.add(frame);
  }

  /** Gives up a frame that is of no use any more. */
  drop(frame: SendFrame): void {
    this.#forget(frame);
  }

  /**
   * All packets from number `from` up to `to` arrived: frames that went out in nothing but these will not be asked for. Their
   * memory serves the next ones while it still is in the caches.
   */
  arrived(from: number, to: number): void {
    for (const frame of this.#frames.values()) {
      if (frame.sent < frame.order.length || frame.lastPacket > to) return;
      if (frame.firstPacket >= from && !this.isAgain(frame)) this.#forget(frame);
    }
  }

  /** Whether a frame that was refused for want of room would be taken now; says so once. */
  takeWritable(): boolean {
    const bytes = this.#refusedBytes;
    if (bytes === 0 || !this.#hasRoom(bytes)) return false;
    this.#refusedBytes = 0;
    return true;
  }

  /** Forgets frames whose deadline is over. */
  expire(now: number): void {
    if (now < this.#expireAt) return;
    this.#expireAt = Number.POSITIVE_INFINITY;
    for (const frame of this.#frames.values()) {
      if (frame.deadlineAt <= now) this.#forget(frame);
      else {
        if (frame.deadlineAt < this.#expireAt) this.#expireAt = frame.deadlineAt;
        // There may be thousands of frames: those behind this one are not due before it.
        if (this.#inOrder) return;
      }
    }
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
    if (this.#layout !== undefined && sameShape(this.#layout.shape, shape)) return this.#layout;
    const layout = blocks > MAX_BLOCKS ? undefined : FrameLayout.of(shape);
    if (layout === undefined) {
      throw new SessionError('SESSION_TOO_LARGE', `a frame of ${bytes} bytes does not fit into packets of this path`);
    }
    this.#layout = layout;
    this.#order = layout.order();
    return layout;
  }

  /** Memory for a frame. Frames that are only kept in case they are asked for make room, the oldest first. */
  #room(bytes: number): Uint8Array {
    if (!this.#pool.fits(bytes)) {
      const { maxSendBytes } = this.#options;
      throw new SessionError(
        'SESSION_TOO_LARGE',
        `a frame that takes ${bytes} bytes is more than maxSendBytes, ${maxSendBytes}`,
      );
    }
    if (!this.#hasRoom(bytes)) {
      this.#refusedBytes = Math.max(this.#refusedBytes, bytes);
      throw new SessionError('SESSION_BUSY', 'frames are given faster than they can be sent');
    }
    for (;;) {
      const slab = this.#pool.take(bytes);
      if (slab !== undefined) return slab;
      this.#forget(this.#frames.values().next().value!);
    }
  }

  #hasRoom(bytes: number): boolean {
    if (this.#pending > 0 && this.#pending + bytes > WAITING_SHARE * this.#options.maxSendBytes) return false;
    if (this.#pool.hasRoom(bytes, 0)) return true;
    let kept = 0;
    for (const frame of this.#frames.values()) {
      if (frame.sent < frame.order.length) return false;
      kept += frame.slab.length;
      if (this.#pool.hasRoom(bytes, kept)) return true;
    }
    return false;
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

import type { Arrivals } from './arrivals.js';
import type { Earliest } from './earliest.js';
import type { FrameAssembler } from './frame-assembler.js';
import { MAX_WANTED } from './items.js';
import type { PartialFrame } from './partial-frame.js';
import type { RoundTrip } from './round-trip.js';

/** Most frames of which nothing came that are remembered. */
const MAX_MISSING = 256;
/** A frame that nothing follows is waited for this much longer, ms. */
const LAST_FRAME_MS = 8;
/** What was asked for is asked for again after a round trip and this, ms. */
const AGAIN_MARGIN_MS = 8;

/** Shards that the sender shall send again; none named means the whole frame. */
export interface Want {
  readonly frame: number;
  readonly shards: readonly number[];
}

interface Missing {
  wantAt: number;
  readonly giveUpAt: number;
}

/** Finds out which shards are worth asking for: those that are not only late, and could still come in time. */
export class WantList {
  readonly #frames: FrameAssembler;
  readonly #arrivals: Arrivals;
  readonly #roundTrip: RoundTrip;
  /** Most frames that are asked for at a time; 0: none ever. */
  readonly #most: number;
  /** Frames before the newest of which not one shard came. */
  readonly #missing = new Map<number, Missing>();
  #newest = -1;

  /** @param most Most frames that are asked for at a time; 0: none ever, frames are only given up. */
  constructor(frames: FrameAssembler, arrivals: Arrivals, roundTrip: RoundTrip, most: number) {
    this.#frames = frames;
    this.#arrivals = arrivals;
    this.#roundTrip = roundTrip;
    this.#most = most;
  }

  /** A shard of this frame arrived. */
  seen(frame: number, deadlineMs: number, now: number): void {
    if (frame === this.#newest) return;
    if (this.#missing.size > 0) this.#missing.delete(frame);
    if (frame < this.#newest) return;
    if (frame === this.#newest + 1) {
      this.#newest = frame;
      return;
    }
    const wantAt = now + this.#arrivals.reorderMs;
    const first = Math.max(this.#newest + 1, frame - MAX_MISSING);
    for (let index = first; index < frame && this.#missing.size < MAX_MISSING; index++) {
      if (!this.#frames.isKnown(index)) this.#missing.set(index, { wantAt, giveUpAt: now + deadlineMs });
    }
    this.#newest = frame;
  }

  /** What to ask for now, into `wants`. A frame of which nothing came in time is given up. */
  collect(wants: Want[], now: number): void {
    if (this.#missing.size > 0) this.#collectMissing(wants, now);
    const { reorderMs } = this.#arrivals;
    const { smoothedMs } = this.#roundTrip;
    for (const frame of this.#frames.partial) {
      if (wants.length >= this.#most) return;
      if (wantAt(frame, reorderMs) > now || now + smoothedMs >= frame.deadlineAt) continue;
      frame.wantAt = now + smoothedMs + AGAIN_MARGIN_MS;
      wants.push({ frame: frame.index, shards: missingShards(frame) });
    }
  }

  /** Adds when `collect` has something to do next. */
  addTimes(earliest: Earliest, now: number): void {
    if (this.#missing.size > 0) {
      for (const { wantAt, giveUpAt } of this.#missing.values()) {
        earliest.add(giveUpAt);
        if (this.#most > 0) earliest.add(wantAt);
      }
    }
    if (this.#most === 0) return;
    const { reorderMs } = this.#arrivals;
    const { smoothedMs } = this.#roundTrip;
    for (const frame of this.#frames.partial) {
      const at = wantAt(frame, reorderMs);
      if (Math.max(at, now) + smoothedMs < frame.deadlineAt) earliest.add(at);
    }
  }

  #collectMissing(wants: Want[], now: number): void {
    for (const [index, missing] of this.#missing) {
      if (this.#frames.isKnown(index)) this.#missing.delete(index);
      else if (missing.giveUpAt <= now) {
        this.#missing.delete(index);
        this.#frames.giveUp(index);
      } else if (missing.wantAt <= now && wants.length < this.#most) {
        missing.wantAt = now + this.#roundTrip.smoothedMs + AGAIN_MARGIN_MS;
        wants.push({ frame: index, shards: [] });
      }
    }
  }
}

function wantAt(frame: PartialFrame, reorderMs: number): number {
  if (frame.wantAt < Number.POSITIVE_INFINITY) return frame.wantAt;
  // A frame that still comes in, and that nothing overtook, is not missing anything yet.
  const quiet = frame.lastAt + reorderMs;
  return frame.passedAt < Number.POSITIVE_INFINITY
    ? Math.max(quiet, frame.passedAt + reorderMs)
    : quiet + LAST_FRAME_MS;
}

/** As many data shards of each incomplete block as it lacks. */
function missingShards(frame: PartialFrame): number[] {
  const shards: number[] = [];
  for (let block = 0; block < frame.layout.shape.blocks; block++) {
    const data = frame.layout.dataOf(block);
    let lacks = data - frame.countOf(block);
    for (let index = 0; index < data && lacks > 0; index++) {
      if (shards.length === MAX_WANTED) return shards;
      const shard = frame.layout.shardOf(block, index);
      if (frame.has(shard) !== 0) continue;
      shards.push(shard);
      lacks--;
    }
  }
  return shards;
}

import type { Arrivals } from './arrivals.js';
import type { FrameAssembler } from './frame-assembler.js';
import { MAX_WANTED } from './items.js';
import type { PartialFrame } from './partial-frame.js';

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
  /** Frames before the newest of which not one shard came. */
  readonly #missing = new Map<number, Missing>();
  #newest = -1;

  constructor(frames: FrameAssembler) {
    this.#frames = frames;
  }

  /** A shard of this frame arrived. */
  seen(frame: number, deadlineMs: number, arrivals: Arrivals, now: number): void {
    if (frame === this.#newest) return;
    if (this.#missing.size > 0) this.#missing.delete(frame);
    if (frame < this.#newest) return;
    if (frame === this.#newest + 1) {
      this.#newest = frame;
      return;
    }
    const wantAt = now + arrivals.reorderMs(now);
    // Frames before the first one that came were perhaps never meant for this end.
    const first = this.#newest < 0 ? frame : Math.max(this.#newest + 1, frame - MAX_MISSING);
    for (let index = first; index < frame && this.#missing.size < MAX_MISSING; index++) {
      if (!this.#frames.isKnown(index)) this.#missing.set(index, { wantAt, giveUpAt: now + deadlineMs });
    }
    this.#newest = frame;
  }

  /** What to ask for now, into `wants`, up to `most`, which may be 0. A frame of which nothing came in time is given up. */
  collect(wants: Want[], most: number, roundTripMs: number, reorderMs: number, now: number): void {
    if (this.#missing.size > 0) this.#collectMissing(wants, most, roundTripMs, now);
    for (const frame of this.#frames.partial) {
      if (wants.length >= most) return;
      if (wantAt(frame, reorderMs) > now || now + roundTripMs >= frame.deadlineAt) continue;
      frame.wantAt = now + roundTripMs + AGAIN_MARGIN_MS;
      wants.push({ frame: frame.index, shards: missingShards(frame) });
    }
  }

  /** When `collect` has something to do next. */
  dueAt(most: number, roundTripMs: number, reorderMs: number, now: number): number | undefined {
    let at = Number.POSITIVE_INFINITY;
    if (this.#missing.size > 0) {
      for (const { wantAt, giveUpAt } of this.#missing.values()) {
        at = Math.min(at, giveUpAt, most === 0 ? giveUpAt : wantAt);
      }
    }
    if (most > 0) at = Math.min(at, this.#partialDueAt(roundTripMs, reorderMs, now));
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  #partialDueAt(roundTripMs: number, reorderMs: number, now: number): number {
    let at = Number.POSITIVE_INFINITY;
    for (const frame of this.#frames.partial) {
      const due = wantAt(frame, reorderMs);
      if (Math.max(due, now) + roundTripMs < frame.deadlineAt) at = Math.min(at, due);
    }
    return at;
  }

  #collectMissing(wants: Want[], most: number, roundTripMs: number, now: number): void {
    for (const [index, missing] of this.#missing) {
      if (this.#frames.isKnown(index)) this.#missing.delete(index);
      else if (missing.giveUpAt <= now) {
        this.#missing.delete(index);
        this.#frames.giveUp(index);
      } else if (missing.wantAt <= now && wants.length < most) {
        missing.wantAt = now + roundTripMs + AGAIN_MARGIN_MS;
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

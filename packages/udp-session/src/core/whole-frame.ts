import { readU32 } from './bytes.js';
import type { PartialFrame } from './partial-frame.js';

/** In front of a frame's bytes, protected like them: flags (8 bits), then pts (64 bits). */
export const FRAME_HEAD_BYTES = 9;

/** A whole frame. */
export interface FrameEvent {
  readonly type: 'frame';
  /** A view of memory that is used again after `release`. */
  data: Uint8Array;
  /** Counts the frames of the sender. Frames are given out as they become whole, which may be out of order. */
  readonly index: number;
  /** What the sender said, 0 to 255. */
  readonly flags: number;
  /** What the sender said: a whole number, 0 to 2^53 - 1. */
  readonly pts: number;
  /** Data shards that parity gave back. */
  readonly recovered: number;
  /** Gives the memory back. Frames that are kept are counted against the session's bound. Calls after the first do nothing. */
  release(): void;
}

/** A frame as it is given out. A class, since an object with a function of its own for each frame would cost more. */
export class WholeFrame implements FrameEvent {
  data: Uint8Array;
  readonly index: number;
  readonly flags: number;
  readonly pts: number;
  readonly recovered: number;
  #frame: PartialFrame | undefined;

  constructor(frame: PartialFrame) {
    const { slab, index, recovered, layout } = frame;
    this.data = frame.view(FRAME_HEAD_BYTES, layout.shape.bytes);
    this.index = index;
    this.flags = slab[0]!;
    this.pts = readU32(slab, 1) * 2 ** 32 + readU32(slab, 5);
    this.recovered = recovered;
    this.#frame = frame;
  }

  get type(): 'frame' {
    return 'frame';
  }

  release(): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    this.#frame = undefined;
    frame.pool.give(frame);
  }
}

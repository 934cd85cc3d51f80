import type { NodeLimits } from '../limits.js';
import type { BytePool } from '../streams/byte-pool.js';
import type { TargetStream } from '../streams/target-stream.js';
import { SeqLane } from './seq-lane.js';
import { WriteLane } from './write-lane.js';

/** What level 1 keeps of a stream besides its bytes. */
export interface Lanes {
  readonly seq: SeqLane;
  readonly writes: WriteLane;
}

/** The lanes of every stream, made when first asked for, gone with the stream. */
export class StreamLanes {
  readonly #pool: BytePool;
  readonly #limits: NodeLimits;
  readonly #lanes = new WeakMap<TargetStream, Lanes>();

  constructor(pool: BytePool, limits: NodeLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  /** The lanes of a stream. */
  of(stream: TargetStream): Lanes {
    const known = this.#lanes.get(stream);
    if (known !== undefined) return known;
    const lanes = { seq: new SeqLane(this.#limits.maxWaitingSeq), writes: new WriteLane() };
    this.#lanes.set(stream, lanes);
    void stream.over.then(() => this.#pool.give(lanes.writes.clear()));
    return lanes;
  }

  /**
   * Writes what `wseq` lets through now; the rest is held, and counted in the pool.
   * @throws NodeError what the lane or the stream throws.
   */
  async write(stream: TargetStream, wseq: number, bytes: Buffer): Promise<void> {
    const { writes } = this.of(stream);
    const before = writes.bytes;
    const ready = writes.accept(wseq, bytes);
    if (stream.failure === undefined && !stream.closed) {
      this.#pool.take(writes.bytes - before);
    } else {
      // Nothing is held for a stream that is over: the clearing above may have been before this.
      writes.clear();
      this.#pool.give(before);
    }
    await Promise.all(ready.map((write) => stream.write(write)));
  }
}

import { CHUNK_COST_BYTES, ChunkList, LIST_SLACK_BYTES } from './chunk-list.js';

/** What one piece that waits for an earlier one costs beside its bytes. */
export const GAP_COST_BYTES = 160;

/** What the runs of one stream may take beyond their bytes: each a piece, and a buffer that still grows. */
export function runsSlackBytes(maxGaps: number): number {
  return LIST_SLACK_BYTES + maxGaps * CHUNK_COST_BYTES;
}

/** `kept`: taken or known already; `dropped`: too many gaps, to be sent again; `invalid`: contradicts the known end. */
export type Inserted = 'kept' | 'dropped' | 'invalid';

/**
 * Puts the bytes of one direction in order. Any overlap is accepted and trimmed; what came first stays (R1). Pieces
 * that wait for an earlier one are bounded in bytes by the credit and in number by `maxGaps`.
 */
export class Reassembly {
  readonly #maxGaps: number;
  readonly #slackBytes: number;
  readonly #ready = new ChunkList();
  /** Runs of bytes after gaps, by position, neither overlapping nor touching. */
  readonly #runs: ChunkList[] = [];
  #taken = 0;
  #consumed = 0;
  #finalLength: number | undefined;

  constructor(maxGaps: number) {
    this.#maxGaps = maxGaps;
    this.#slackBytes = runsSlackBytes(maxGaps);
  }

  /** Position of the first byte that is missing. */
  get next(): number {
    return this.#ready.end;
  }

  /** What to acknowledge: the next position expected, one more when the end was reached. */
  get ack(): number {
    return this.complete ? this.next + 1 : this.next;
  }

  /** The end is known and everything before it has arrived. */
  get complete(): boolean {
    return this.#finalLength === this.next;
  }

  /** The end is known. */
  get sized(): boolean {
    return this.#finalLength !== undefined;
  }

  /** How many bytes there are in all, once it is known. */
  get finalLength(): number | undefined {
    return this.#finalLength;
  }

  /** Everything up to the end was handed to the application. */
  get ended(): boolean {
    return this.#finalLength === this.#taken;
  }

  /** Bytes that the application has used up. */
  get consumed(): number {
    return this.#consumed;
  }

  /** Bytes that can be read now. */
  get readable(): number {
    return this.next - this.#taken;
  }

  get gaps(): number {
    return this.#runs.length;
  }

  /** Memory held. */
  get pinnedBytes(): number {
    let bytes = this.#ready.pinnedBytes;
    for (const run of this.#runs) bytes += run.pinnedBytes + GAP_COST_BYTES;
    return bytes;
  }

  /** Takes the bytes at `off`; `fin` says that the stream ends after them. */
  insert(off: number, bytes: Uint8Array, fin: boolean): Inserted {
    const end = off + bytes.length;
    if (this.#finalLength !== undefined && (end > this.#finalLength || (fin && end !== this.#finalLength))) {
      return 'invalid';
    }
    if (fin) {
      if (end < this.next || end < (this.#runs.at(-1)?.end ?? 0)) return 'invalid';
      this.#finalLength = end;
    }
    if (end <= this.next) return 'kept';
    if (off > this.next) return this.#insertAfterGap(off, bytes) ? 'kept' : 'dropped';
    while (this.next < end) {
      const stop = Math.min(end, this.#runs[0]?.start ?? end);
      const whole = this.next === off && stop === end;
      this.#ready.append(whole ? bytes : bytes.subarray(this.next - off, stop - off));
      while (this.#runs.length > 0 && this.#runs[0]!.start <= this.next) this.#ready.absorb(this.#runs.shift()!);
    }
    if (this.#ready.excessBytes > 0) this.#ready.compact();
    return 'kept';
  }

  /** The next bytes in order, at most `max`, as a view; undefined when none is there. They stay held until `consume`. */
  read(max: number): Uint8Array | undefined {
    const view = this.#taken < this.next ? this.#ready.view(this.#taken, max) : undefined;
    this.#taken += view?.length ?? 0;
    return view;
  }

  /** The application is done with `bytes` more of what it read. */
  consume(bytes: number): void {
    this.#consumed = Math.min(this.#consumed + bytes, this.#taken);
    this.#ready.release(this.#consumed);
  }

  /** Lets go of packet buffers of which only little is still held. */
  settle(): void {
    this.#ready.settle();
    for (const run of this.#runs) run.settle();
  }

  /** Forgets everything: the stream was reset. */
  clear(): void {
    this.#ready.clear();
    this.#runs.length = 0;
  }

  /** Whether the runs take little more than their bytes; small pieces of theirs are put together where they do not. */
  #runsFit(): boolean {
    const excess = () => this.#runs.reduce((sum, run) => sum + run.excessBytes + LIST_SLACK_BYTES, 0);
    if (excess() > this.#slackBytes) for (const run of this.#runs) run.compact();
    return excess() <= this.#slackBytes;
  }

  /** Adds a piece that is not the next one; only its parts that are new. */
  #insertAfterGap(off: number, bytes: Uint8Array): boolean {
    const end = off + bytes.length;
    if (!this.#runsFit()) return false;
    let index = this.#runs.length;
    while (index > 0 && this.#runs[index - 1]!.start > off) index--;
    let run = this.#runs[index - 1];
    if (run === undefined || run.end < off) {
      if (this.#runs.length >= this.#maxGaps) return false;
      run = new ChunkList(off);
      this.#runs.splice(index++, 0, run);
    }
    // From here `run` begins at or before `off` and reaches it; what follows fills the space up to later runs.
    while (run.end < end) {
      const later: ChunkList | undefined = this.#runs[index];
      const stop = Math.min(end, later?.start ?? end);
      if (run.end < stop) run.append(bytes.subarray(run.end - off, stop - off));
      if (later === undefined || later.start > end) break;
      run.absorb(later);
      this.#runs.splice(index, 1);
    }
    const later = this.#runs[index];
    if (later !== undefined && later.start === run.end) {
      run.absorb(later);
      this.#runs.splice(index, 1);
    }
    return true;
  }
}

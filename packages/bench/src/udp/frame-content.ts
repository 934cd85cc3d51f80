import { patternView } from '@millrace/testkit';
import { median } from '../run/statistics.js';

const SEED = 13;
/** Frames that differ from each other. Few enough for a processor's cache, as frames are that were just encoded; prime. */
const DIFFERENT = 61;

/** Frames of which one is timed: reading the clock costs more than it should beside what is measured. */
const TIMED_EVERY = 8;

/** The bytes of the frame with a number, counted from 0. They are shared: nobody may write to them. */
export class FrameContent {
  readonly bytes: number;
  readonly #frames: Buffer[];

  constructor(bytes: number) {
    this.bytes = bytes;
    this.#frames = Array.from({ length: DIFFERENT }, (_, i) => patternView(i * bytes, bytes, SEED));
    if (this.#frames.some(({ length }) => length !== bytes))
      throw new RangeError(`${bytes} bytes are too large a frame`);
  }

  of(number: number): Buffer {
    return this.#frames[number % DIFFERENT] ?? Buffer.alloc(0);
  }
}

/** What became of the frames of a run at their receiver. */
export interface FrameCounts {
  /** Frames that came, each with the bytes that it should have. */
  right: number;
  recovered: number;
  /** The first thing that was wrong. */
  problem?: string;
}

/** Compares each frame of a run with what its number says it holds, and sees to it that none comes twice. */
export class FrameChecker {
  readonly #content: FrameContent;
  readonly #first: number;
  readonly #seen: Uint8Array;
  readonly #counts: FrameCounts = { right: 0, recovered: 0 };
  /** What comparing took for some frames. Numbers in fields of their own would be new objects each time. */
  readonly #timesMs: Float64Array;
  #times = 0;
  #checked = 0;

  /** For frames `first` up to, but without, `first + count`. */
  constructor(content: FrameContent, first: number, count: number) {
    this.#content = content;
    this.#first = first;
    this.#seen = new Uint8Array(count);
    this.#timesMs = new Float64Array(Math.ceil(count / TIMED_EVERY) + 1);
  }

  get counts(): FrameCounts {
    return { ...this.#counts };
  }

  /** Frames that have come, right or wrong. */
  get right(): number {
    return this.#counts.right;
  }

  /** Time spent on comparing: the median of what some frames took, for all of them. */
  get checkMs(): number {
    return this.#times === 0 ? 0 : median([...this.#timesMs.subarray(0, this.#times)]) * this.#checked;
  }

  /** The last frame of the run is here, and so are all others. */
  get complete(): boolean {
    return this.#counts.right === this.#seen.length;
  }

  take(number: number, data: Uint8Array, recovered: number): void {
    if (this.#checked++ % TIMED_EVERY !== 0 || this.#times === this.#timesMs.length)
      return this.#check(number, data, recovered);
    const startMs = performance.now();
    this.#check(number, data, recovered);
    this.#timesMs[this.#times++] = performance.now() - startMs;
  }

  #check(number: number, data: Uint8Array, recovered: number): void {
    const place = number - this.#first;
    const expected = this.#content.of(number);
    if (this.#seen[place] !== 0) {
      this.#fail(`frame ${number} ${this.#seen[place] === 1 ? 'came twice' : 'was not sent'}`);
    } else if (expected.compare(data) === 0) {
      this.#seen[place] = 1;
      this.#counts.right++;
      this.#counts.recovered += recovered;
    } else {
      const at = data.findIndex((byte, i) => byte !== expected[i]);
      this.#fail(`frame ${number} has a wrong byte at offset ${at < 0 ? data.length : at} of ${expected.length}`);
    }
  }

  #fail(problem: string): void {
    this.#counts.problem ??= problem;
  }
}

import { crc32 } from 'node:zlib';
import { PatternChecker, PatternError } from '@millrace/testkit';
import { nowMs } from '../process/clock.js';
import { TimelineRecorder, type Timeline } from './timeline.js';

/** What a sink got. */
export interface SinkReport {
  seed: number;
  /** Bytes that were to come, and that came. */
  expectedBytes: number;
  bytes: number;
  /** CRC-32 of all that came, to be compared with the source's once the clock has stopped. */
  crc: number;
  /** What was wrong, with its offset; absent when every byte was right. */
  problem?: string;
  /** When the first bytes came; absent when none did. */
  firstMs?: number;
  /** When the last byte had been checked. */
  lastMs: number;
  timeline: Timeline;
  /** Time spent on comparing and summing. */
  checkMs: number;
}

/** Compares what arrives with the pattern of its seed, by position, as it arrives. */
export class CheckedSink {
  readonly #seed: number;
  readonly #expectedBytes: number;
  readonly #checker: PatternChecker;
  readonly #arrived = new TimelineRecorder('arrived');
  #bytes = 0;
  #crc = 0;
  #checkMs = 0;
  #firstMs: number | undefined;
  #lastMs = 0;
  #problem: string | undefined;

  constructor(seed: number, expectedBytes: number) {
    this.#seed = seed;
    this.#expectedBytes = expectedBytes;
    this.#checker = new PatternChecker(seed);
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether all bytes have come, right or wrong. */
  get full(): boolean {
    return this.#bytes >= this.#expectedBytes;
  }

  /** Whether something was wrong already. */
  get wrong(): boolean {
    return this.#problem !== undefined;
  }

  push(chunk: Uint8Array): void {
    const startMs = nowMs();
    this.#firstMs ??= startMs;
    this.#bytes += chunk.length;
    this.#arrived.add(startMs, this.#bytes);
    try {
      if (this.#problem === undefined) this.#checker.push(chunk);
    } catch (error) {
      this.#problem = error instanceof PatternError ? explain(error) : String(error);
    }
    this.#crc = crc32(chunk, this.#crc);
    if (this.#bytes > this.#expectedBytes) {
      this.#problem ??= `${this.#bytes - this.#expectedBytes} bytes too many, from offset ${this.#expectedBytes}`;
    }
    this.#lastMs = nowMs();
    this.#checkMs += this.#lastMs - startMs;
  }

  /** The report. Call it when the stream has ended: what is missing then is a problem. */
  end(): SinkReport {
    if (this.#bytes < this.#expectedBytes) {
      this.#problem ??= `the stream ended at offset ${this.#bytes}, ${this.#expectedBytes - this.#bytes} bytes are missing`;
    }
    return {
      seed: this.#seed,
      expectedBytes: this.#expectedBytes,
      bytes: this.#bytes,
      crc: this.#crc,
      ...(this.#problem !== undefined && { problem: this.#problem }),
      ...(this.#firstMs !== undefined && { firstMs: this.#firstMs }),
      lastMs: this.#lastMs,
      timeline: this.#arrived.timeline,
      checkMs: this.#checkMs,
    };
  }
}

/** Says what a wrong position means: bytes from before were repeated or reordered, from beyond mean that some are missing. */
function explain(error: PatternError): string {
  const belongs = /belong at offset (\d+)/.exec(error.message)?.[1];
  if (belongs === undefined) return error.message;
  const distance = Number(belongs) - error.offset;
  return `${error.message}: ${distance > 0 ? `${distance} bytes are missing or late` : `bytes are repeated from ${-distance} before`}`;
}

/** What is noted about one open: its events, and checkpoints for whoever wonders why it took so long. */
import type { Checkpoint, ErrorCode, EventHub, MillraceEvent } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';
import type { OpenTiming } from './types.js';

/** Streams and flows of this process, counted over all tunnels so that events of several can share a hub. */
let lastId = 0;

/** The last opens of a tunnel. */
export class TimingRing {
  readonly #records: OpenRecord[] = [];
  #next = 0;

  add(record: OpenRecord): void {
    this.#records[this.#next] = record;
    this.#next = (this.#next + 1) % CLIENT_LIMITS.timingRing;
  }

  /** Oldest first. */
  list(): OpenTiming[] {
    const ordered = [...this.#records.slice(this.#next), ...this.#records.slice(0, this.#next)];
    return ordered.map((record) => record.timing());
  }
}

/** How an open is reported. */
export interface OpenRecordOptions {
  readonly kind: 'stream' | 'flow';
  /** Where targets are named. */
  readonly target: string | undefined;
  readonly events: EventHub<MillraceEvent>;
  /** Emit the checkpoints also when nothing failed. */
  readonly timing: boolean;
}

export class OpenRecord {
  readonly id: number;
  readonly #options: OpenRecordOptions;
  readonly #startedAt = performance.now();
  readonly #checkpoints: Checkpoint[] = [];
  #attempts = 0;
  #opened = false;
  #firstByte = false;
  #code: ErrorCode | undefined;

  constructor(options: OpenRecordOptions) {
    this.id = ++lastId;
    this.#options = options;
    const { kind, target } = options;
    options.events.emit({ event: 'open', id: this.id, kind, ...(target === undefined ? {} : { target }) });
  }

  /** How often it was tried. */
  get attempts(): number {
    return this.#attempts;
  }

  get opened(): boolean {
    return this.#opened;
  }

  /** Notes a step. `atMs` is on the clock of `performance.now()`; what happened before the open counts as 0. */
  step(step: string, atMs = performance.now()): void {
    if (this.#checkpoints.length >= CLIENT_LIMITS.maxCheckpoints) return;
    this.#checkpoints.push({ step, ms: Math.max(0, atMs - this.#startedAt) });
  }

  /** A relay is tried. */
  attempt(): void {
    this.#attempts += 1;
    this.step(`attempt_${this.#attempts}`);
  }

  /** The target was reached. */
  succeed(): void {
    this.#opened = true;
    this.step('dialled');
    this.#options.events.emit({ event: 'opened', id: this.id, kind: this.#options.kind, ms: this.#elapsed() });
  }

  /** The target could not be reached. */
  fail(code: ErrorCode): void {
    this.#code = code;
    this.#options.events.emit({
      event: 'open-failed',
      id: this.id,
      kind: this.#options.kind,
      code,
      ms: this.#elapsed(),
      checkpoints: [...this.#checkpoints],
    });
  }

  /** The first bytes came. */
  firstByte(): void {
    if (this.#firstByte) return;
    this.#firstByte = true;
    this.step('first-byte');
    if (this.#options.timing) {
      this.#options.events.emit({ event: 'timing', id: this.id, checkpoints: [...this.#checkpoints] });
    }
  }

  /** What was open has ended. */
  close(bytesUp: number, bytesDown: number, code: ErrorCode | undefined): void {
    this.#options.events.emit({
      event: 'closed',
      id: this.id,
      kind: this.#options.kind,
      bytesUp,
      bytesDown,
      ...(code === undefined ? {} : { code }),
      ms: this.#elapsed(),
    });
  }

  timing(): OpenTiming {
    const { target } = this.#options;
    return {
      id: this.id,
      ...(target === undefined ? {} : { target }),
      checkpoints: [...this.#checkpoints],
      ...(this.#code === undefined ? {} : { code: this.#code }),
    };
  }

  #elapsed(): number {
    return performance.now() - this.#startedAt;
  }
}

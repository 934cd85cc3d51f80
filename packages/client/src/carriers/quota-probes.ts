/**
 * When an account is asked that its provider called used up. Pure, with wall-clock times in ms since 1970.
 *
 * After a refusal: ten minutes later, then after twice the time each, at most an hour; and at the time at which the count is
 * thought to begin anew, whatever the others. Once a whole day has passed without success the gaps grow up to six hours. A
 * request that came to nothing for another reason is repeated a minute later, then after twice the time each, at most an hour; one
 * that did not get as far as the provider costs nothing, and does not lengthen that.
 */
import { DAY_MS } from './quota-reset.js';

const MINUTE_MS = 60_000;
const FIRST_GAP_MS = 10 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const MAX_GAP_MS = 6 * HOUR_MS;

/** The state of the schedule, as it is kept over restarts. */
export interface KeptProbes {
  /** When the provider first said so. */
  readonly since: number;
  /** When it last said so. */
  readonly refusedAt: number;
  /** From then to the next request. */
  readonly gapMs: number;
  /** When the next request may pass. */
  readonly nextAt: number;
}

/** The schedule from a refusal on. */
export class QuotaProbes {
  readonly #nextReset: (now: number) => number;
  #since: number;
  #refusedAt: number;
  #gapMs: number;
  #retryMs = MINUTE_MS;
  #nextAt: number;

  /** `nextReset` tells when the count is thought to begin anew, after a time. */
  constructor(nextReset: (now: number) => number, begin: number | KeptProbes) {
    this.#nextReset = nextReset;
    if (typeof begin === 'number') {
      this.#since = begin;
      this.#refusedAt = begin;
      this.#gapMs = FIRST_GAP_MS;
      this.#nextAt = this.#afterRefusal();
      return;
    }
    this.#since = begin.since;
    this.#refusedAt = begin.refusedAt;
    this.#gapMs = Math.min(Math.max(begin.gapMs, FIRST_GAP_MS), MAX_GAP_MS);
    this.#nextAt = begin.nextAt;
  }

  /** When the provider first said so. */
  get since(): number {
    return this.#since;
  }

  /** When the provider last said so. */
  get refusedAt(): number {
    return this.#refusedAt;
  }

  /** When the next request may pass. */
  nextAt(now: number): number {
    // No gap is longer, so that the clock was set back.
    if (this.#nextAt > now + MAX_GAP_MS) {
      this.#since = Math.min(this.#since, now);
      this.#refusedAt = Math.min(this.#refusedAt, now);
      this.#nextAt = this.#afterRefusal();
    }
    return this.#nextAt;
  }

  /** A request was refused. */
  refused(now: number): void {
    const mostMs = now - this.#since < DAY_MS ? HOUR_MS : MAX_GAP_MS;
    this.#gapMs = Math.min(this.#gapMs * 2, mostMs);
    this.#refusedAt = now;
    this.#retryMs = MINUTE_MS;
    this.#nextAt = this.#afterRefusal();
  }

  /** A request came to nothing, which says nothing about the quota. `reached`: it may have come as far as the provider. */
  failed(now: number, reached: boolean): void {
    this.#nextAt = now + this.#retryMs;
    if (reached) this.#retryMs = Math.min(this.#retryMs * 2, HOUR_MS);
  }

  save(): KeptProbes {
    return { since: this.#since, refusedAt: this.#refusedAt, gapMs: this.#gapMs, nextAt: this.#nextAt };
  }

  #afterRefusal(): number {
    return Math.min(this.#refusedAt + this.#gapMs, this.#nextReset(this.#refusedAt));
  }
}

/**
 * When a relay or account gets requests. All transitions are here:
 *
 * - `works`: requests pass. A failure that is surely the relay's fault makes it rest; one that may be an accident of one
 *   connection does so only when the next request, too, fails.
 * - `resting`: nothing passes. Each further failure doubles the rest.
 * - `trying`: the rest is over; one request at a time passes. Success returns to `works`, failure to `resting`.
 */
import type { ErrorCode } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';
import type { CarrierFailure } from './carrier.js';

/** One request, as the breaker sees it. */
export interface Attempt {
  /** Failures until then: what was under way when one came says nothing about the time after it. */
  readonly failures: number;
  readonly trial: boolean;
}

/** What may be an accident of one connection or one request. */
const ACCIDENTS: ReadonlySet<ErrorCode> = new Set(['RELAY_TIMEOUT', 'RELAY_TRUNCATED', 'RELAY_EMPTY']);

/** What ends from one moment to the next, and costs nothing to find out. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set(['RELAY_OFFLINE', 'RELAY_NAME', 'RELAY_NODE_DOWN']);

export class Breaker {
  /** In a row. */
  #failures = 0;
  /** In all. */
  #noted = 0;
  #restUntil = 0;
  #trial: Attempt | undefined;
  #cause: CarrierFailure | undefined;

  /** Why it rests or tries. */
  get cause(): CarrierFailure | undefined {
    return this.#cause;
  }

  /** When requests may pass again. In the past unless it rests. */
  get restUntil(): number {
    return this.#cause === undefined ? -Infinity : this.#restUntil;
  }

  state(now: number): 'works' | 'resting' | 'trying' {
    if (this.#cause === undefined) return 'works';
    return now < this.#restUntil ? 'resting' : 'trying';
  }

  /** Whether a request may pass now. */
  admits(now: number): boolean {
    return this.#cause === undefined || (now >= this.#restUntil && this.#trial === undefined);
  }

  /** A request passes. */
  begin(): Attempt {
    const attempt: Attempt = { failures: this.#noted, trial: this.#cause !== undefined };
    if (attempt.trial) this.#trial = attempt;
    return attempt;
  }

  /** The request was answered. True when this ends a rest. */
  succeed(attempt: Attempt): boolean {
    this.#endTrial(attempt);
    if (attempt.failures < this.#noted) return false;
    const rested = this.#cause !== undefined;
    this.#failures = 0;
    this.#cause = undefined;
    return rested;
  }

  /** The request was given up here; it says nothing about the relay. */
  abandon(attempt: Attempt): void {
    this.#endTrial(attempt);
  }

  /** The request failed. Returns the rest in ms that begins now, or undefined when none does. */
  fail(attempt: Attempt, failure: CarrierFailure, now: number): number | undefined {
    this.#endTrial(attempt);
    // Requests that ran side by side fail together: that counts once.
    if (attempt.failures < this.#noted) return undefined;
    this.#noted += 1;
    this.#failures += 1;
    if (this.#failures === 1 && ACCIDENTS.has(failure.code)) return undefined;
    const restMs = restFor(failure, this.#failures);
    this.#cause = failure;
    this.#restUntil = now + restMs;
    return restMs;
  }

  #endTrial(attempt: Attempt): void {
    if (this.#trial === attempt) this.#trial = undefined;
  }
}

function restFor(failure: CarrierFailure, failures: number): number {
  const doubling = 2 ** Math.min(failures - 1, 16);
  if (failure.code === 'RELAY_QUOTA_RATE') {
    // A provider that says when to come again counts what comes earlier.
    const told = Math.min(failure.retryAfterMs ?? 0, CLIENT_LIMITS.maxRetryAfterMs);
    return Math.max(Math.min(CLIENT_LIMITS.minQuotaRestMs * doubling, CLIENT_LIMITS.maxRestMs), told);
  }
  const most = OUTAGES.has(failure.code) ? CLIENT_LIMITS.maxOutageRestMs : CLIENT_LIMITS.maxRestMs;
  return Math.min(Math.max(CLIENT_LIMITS.minRestMs * doubling, failure.retryAfterMs ?? 0), most);
}

/** An account of a relay provider: what its relays share. */
import type { ErrorCode } from '@millrace/protocol';
import type { ResolvedAccount } from '../options.js';
import type { AccountStats } from '../tunnel/types.js';
import { Breaker, type Attempt } from './breaker.js';
import type { CarrierFailure } from './carrier.js';
import { Quota, type KeptQuota, type QuotaAttempt } from './quota.js';
import { parseResetRule, type ResetRule } from './quota-reset.js';

/** One request, as its account sees it. */
export interface AccountAttempt {
  readonly breaker: Attempt;
  readonly quota: QuotaAttempt;
}

/** Until when an account takes nothing. */
export interface AccountBlock {
  /** When it is expected to take requests again, in ms since 1970. Probes may pass earlier. */
  readonly until: number;
  /** How long that is from now, in ms. */
  readonly inMs: number;
  /** Why. */
  readonly failure: CarrierFailure;
}

/**
 * Requests that are under way at once over all relays of one account, and whether it takes any: by its concurrency, by
 * what it answered (`breaker`) and by its quota of the day.
 *
 * `now` is on the clock of `performance.now()`, as everywhere here; the quota goes by wall-clock time.
 */
export class Account {
  /** Names it in events and in what is kept. */
  readonly name: string;
  readonly breaker = new Breaker();
  readonly bounds: ResolvedAccount;
  readonly quota: Quota;
  /** Time zone in which its provider counts, where there is one. */
  readonly timeZone: string | undefined;
  inFlight = 0;
  /** Called when there is something new to keep. */
  onCounted: () => void = () => {};
  readonly #wallNow: () => number;
  /** Wall-clock time less `now`, as it was looked at last. */
  #wallOffsetMs: number;
  /** What its provider said when it called the quota used up. */
  #told: string | undefined;

  /** `wallNow` reads the wall clock, in ms since 1970. */
  constructor(name: string, bounds: ResolvedAccount, wallNow: () => number = Date.now) {
    this.name = name;
    this.bounds = bounds;
    this.#wallNow = wallNow;
    this.#wallOffsetMs = wallNow() - performance.now();
    const { dailyRequests, quotaMarginPercent: marginPercent } = bounds;
    // Resolved options have been checked.
    const rule = parseResetRule(bounds.quotaReset) as ResetRule;
    this.quota = new Quota({ dailyRequests, marginPercent, rule });
    this.timeZone = rule.kind === 'daily' ? rule.zone : undefined;
  }

  /** Names it for people. */
  get label(): string {
    return this.bounds.label;
  }

  get maxConcurrent(): number {
    return this.bounds.maxConcurrent;
  }

  /** Looks at the wall clock, which may have been set. In between it runs with `now`, so that nothing ends between two looks at one moment. */
  sync(now: number): void {
    this.#wallOffsetMs = this.#wallNow() - now;
  }

  /** Requests that may begin now. */
  free(now: number): number {
    if (!this.breaker.admits(now)) return 0;
    const most = this.breaker.state(now) === 'works' ? Infinity : 1;
    return Math.max(0, Math.min(this.maxConcurrent - this.inFlight, this.quota.left(this.#wallAt(now)), most));
  }

  /** Whether a request may begin now. */
  admits(now: number): boolean {
    return this.free(now) > 0;
  }

  /** Whether nothing but its load is against it, and nothing has to be found out. */
  open(now: number): boolean {
    return this.resting(now) === undefined && this.doubt(now) === undefined;
  }

  /** Whether as many requests were counted as may be used. */
  countedOut(now: number): boolean {
    return this.quota.exhausted(this.#wallAt(now)) === 'counted';
  }

  /** A request may pass that finds out whether its provider still calls the quota used up. */
  probeDue(now: number): boolean {
    return this.quota.exhausted(this.#wallAt(now)) === 'told' && this.admits(now);
  }

  /** When requests may pass again; in the past unless it rests. */
  restUntil(now: number): number {
    const wall = this.#wallAt(now);
    const waitMs = this.quota.nextAt(wall) - wall;
    return waitMs > 0 ? Math.max(now + waitMs, this.breaker.restUntil) : this.breaker.restUntil;
  }

  /** Why it takes no request, and how much longer; undefined when nothing but its load is against it. */
  resting(now: number): { failure: CarrierFailure; restMs: number } | undefined {
    const restMs = this.restUntil(now) - now;
    if (!(restMs > 0)) return undefined;
    return { failure: this.#failure(now), restMs };
  }

  /** Why one request at a time has to find out whether it works again; undefined when none has to, or it rests. */
  doubt(now: number): ErrorCode | undefined {
    if (this.resting(now) !== undefined) return undefined;
    return this.quota.exhausted(this.#wallAt(now)) === 'told' ? 'RELAY_QUOTA_DAY' : this.breaker.cause?.code;
  }

  /** Until when it takes nothing but probes; undefined while it takes requests, or is about to find out whether it does. */
  blocked(now: number): AccountBlock | undefined {
    const rest = this.resting(now);
    if (rest === undefined) return undefined;
    const wall = this.#wallAt(now);
    const restUntil = Math.ceil(wall + rest.restMs);
    const exhausted = this.quota.exhausted(wall) !== undefined;
    const until = exhausted ? Math.max(this.quota.resetAt(wall), restUntil) : restUntil;
    return { until, inMs: until - wall, failure: rest.failure };
  }

  /** A request passes. */
  begin(now: number): AccountAttempt {
    this.inFlight += 1;
    const attempt = { breaker: this.breaker.begin(), quota: this.quota.begin(this.#wallAt(now)) };
    this.onCounted();
    return attempt;
  }

  /** It is over. */
  end(): void {
    this.inFlight -= 1;
  }

  /** The provider took it. True when this ends a rest. */
  succeed(attempt: AccountAttempt): boolean {
    const rested = this.breaker.succeed(attempt.breaker);
    const refused = this.quota.succeed(attempt.quota);
    if (refused) this.onCounted();
    return rested || refused;
  }

  /**
   * It failed. Returns the rest in ms that begins now for all relays of the account; undefined when none does, since the failure
   * says nothing about the account. `reached`: it may have come as far as the provider.
   */
  fail(attempt: AccountAttempt, failure: CarrierFailure, now: number, reached: boolean): number | undefined {
    const wall = this.#wallAt(now);
    if (failure.code === 'RELAY_QUOTA_DAY') {
      this.breaker.abandon(attempt.breaker);
      if (!this.quota.refuse(attempt.quota, wall)) return undefined;
      this.#told = failure.message;
      this.onCounted();
      return Math.max(0, this.quota.nextAt(wall) - wall);
    }
    this.quota.fail(attempt.quota, wall, reached);
    this.onCounted();
    if (failure.code === 'RELAY_QUOTA_RATE') return this.breaker.fail(attempt.breaker, failure, now);
    this.breaker.abandon(attempt.breaker);
    return undefined;
  }

  /** It was not sent after all. */
  giveBack(attempt: AccountAttempt): void {
    this.breaker.abandon(attempt.breaker);
    this.quota.giveBack(attempt.quota);
    this.onCounted();
  }

  /** What to keep over restarts. */
  save(): KeptQuota {
    return this.quota.save(this.#wallNow());
  }

  /** Adds what was kept. */
  restore(kept: KeptQuota): void {
    this.quota.restore(kept, this.#wallNow());
  }

  stats(now: number): AccountStats {
    const wall = this.#wallAt(now);
    const { dailyRequests, label } = this.bounds;
    const resetAt = this.quota.resetAt(wall);
    return {
      account: label,
      inFlight: this.inFlight,
      requestsToday: this.quota.used(wall),
      ...(dailyRequests === undefined ? {} : { dailyRequests }),
      ...(resetAt < Infinity ? { resetAt } : {}),
      exhausted: this.quota.exhausted(wall) !== undefined,
    };
  }

  #failure(now: number): CarrierFailure {
    const wall = this.#wallAt(now);
    const exhausted = this.quota.exhausted(wall);
    const ofBreaker = this.breaker.cause;
    const waitMs = this.quota.nextAt(wall) - wall;
    if (ofBreaker !== undefined && (exhausted === undefined || now + waitMs < this.breaker.restUntil)) {
      // Up to a second later, not too early.
      const goesOn = new Date(wall + (this.breaker.restUntil - now) + 999).toISOString().slice(0, 19).replace('T', ' ');
      return { ...ofBreaker, message: `${ofBreaker.message}; it is expected to go on at ${goesOn} UTC` };
    }
    const { label, dailyRequests = 0 } = this.bounds;
    const why =
      exhausted === 'counted'
        ? `${this.quota.used(wall)} of ${dailyRequests} requests a day are used`
        : (this.#told ?? 'its provider says that the quota of the day is used up');
    const until = new Date(this.quota.resetAt(wall)).toISOString().slice(0, 16).replace('T', ' ');
    return {
      code: 'RELAY_QUOTA_DAY',
      message: `account ${label}: ${why}; it is expected to go on at ${until} UTC`,
      ambiguous: false,
    };
  }

  #wallAt(now: number): number {
    return Math.floor(now + this.#wallOffsetMs);
  }
}

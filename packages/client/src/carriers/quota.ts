/**
 * The quota of one account of a relay provider. Pure: no clock and no timer; `now` is wall-clock time in ms since 1970 and may
 * jump either way.
 *
 * - It is open while fewer requests were counted than the limit less its margin. Every request counts, also one that
 *   failed: that is how providers count.
 * - Counted out, it takes nothing until enough of them no longer count.
 * - Called used up by the provider, it takes one request at a time, by the schedule of `QuotaProbes`, and nothing in between. The
 *   first success ends that, and corrects the time at which the count is thought to begin anew.
 */
import { createCount, type KeptCount, type QuotaCount } from './quota-count.js';
import { QuotaProbes, type KeptProbes } from './quota-probes.js';
import type { ResetRule } from './quota-reset.js';

export interface QuotaOptions {
  /** Requests a day; undefined where nobody counts, so that only the provider's word does. */
  readonly dailyRequests: number | undefined;
  /** Part of them that is left unused, per cent. */
  readonly marginPercent: number;
  readonly rule: ResetRule;
}

/** One request, as the quota sees it. */
export interface QuotaAttempt {
  readonly startedAt: number;
  /** Refusals until then: what was under way when one came says nothing about the time after it. */
  readonly refusals: number;
  readonly probe: boolean;
  /** Takes the count of it back. */
  readonly uncount: () => void;
}

/** What is kept of a quota over restarts. */
export interface KeptQuota extends KeptCount {
  /** There while the provider calls it used up. */
  readonly probes?: KeptProbes | undefined;
}

export class Quota {
  /** Requests that are used; `Infinity` where nobody counts. */
  readonly usable: number;
  readonly #count: QuotaCount;
  #probes: QuotaProbes | undefined;
  /** The request that finds out. */
  #probe: QuotaAttempt | undefined;
  #refusals = 0;
  #succeeded = false;

  constructor({ dailyRequests, marginPercent, rule }: QuotaOptions) {
    this.usable = dailyRequests === undefined ? Infinity : Math.ceil((dailyRequests * (100 - marginPercent)) / 100);
    this.#count = createCount(rule);
  }

  /** Requests that count now. */
  used(now: number): number {
    return this.#count.used(now);
  }

  /** Requests that may begin now. */
  left(now: number): number {
    if (this.#probes !== undefined) return this.#probe === undefined && now >= this.#probes.nextAt(now) ? 1 : 0;
    return Math.max(0, this.usable - this.used(now));
  }

  /** Who says that it is used up, if anybody does. */
  exhausted(now: number): 'counted' | 'told' | undefined {
    if (this.#probes !== undefined) return 'told';
    return this.used(now) < this.usable ? undefined : 'counted';
  }

  /** When the next request may pass: `now` when one may, or when one is under way that finds out. */
  nextAt(now: number): number {
    if (this.#probes !== undefined) return Math.max(now, this.#probe === undefined ? this.#probes.nextAt(now) : now);
    return this.#count.below(this.usable, now);
  }

  /** When an end is expected of what `exhausted` tells, going by the rule and by what was learned; else the next reset, `Infinity` where there is none. */
  resetAt(now: number): number {
    if (this.#probes !== undefined) {
      const expected = this.#count.nextReset(this.#probes.since);
      return now < expected && expected < Infinity ? expected : this.nextAt(now);
    }
    return this.exhausted(now) === 'counted' ? this.#count.below(this.usable, now) : this.#count.nextReset(now);
  }

  /** A request passes. */
  begin(now: number): QuotaAttempt {
    const uncount = this.#count.add(now);
    const attempt = { startedAt: now, refusals: this.#refusals, probe: this.#probes !== undefined, uncount };
    if (attempt.probe) this.#probe = attempt;
    return attempt;
  }

  /** The provider took the request. True when this ends that it called the quota used up. */
  succeed(attempt: QuotaAttempt): boolean {
    this.#endProbe(attempt);
    this.#succeeded = true;
    if (this.#probes === undefined || attempt.refusals < this.#refusals) return false;
    const { refusedAt } = this.#probes;
    this.#probes = undefined;
    if (refusedAt < attempt.startedAt) this.#count.learn(refusedAt, attempt.startedAt);
    return true;
  }

  /** The provider said that the quota is used up. False when it had said so since the request began. */
  refuse(attempt: QuotaAttempt, now: number): boolean {
    this.#endProbe(attempt);
    if (attempt.refusals < this.#refusals) return false;
    this.#refusals += 1;
    if (this.#probes === undefined) this.#probes = new QuotaProbes((at) => this.#count.nextReset(at), now);
    else this.#probes.refused(now);
    return true;
  }

  /** The request came to nothing for another reason. `reached`: it may have come as far as the provider. */
  fail(attempt: QuotaAttempt, now: number, reached: boolean): void {
    this.#endProbe(attempt);
    if (!reached) attempt.uncount();
    if (attempt.probe) this.#probes?.failed(now, reached);
  }

  /** The request was not sent after all. */
  giveBack(attempt: QuotaAttempt): void {
    this.#endProbe(attempt);
    attempt.uncount();
  }

  save(now: number): KeptQuota {
    const counted = this.#count.save(now);
    return this.#probes === undefined ? counted : { ...counted, probes: this.#probes.save() };
  }

  /** Adds what was kept to what was counted since the start. */
  restore(kept: KeptQuota, now: number): void {
    this.#count.restore(kept, now);
    // What was seen since the start is newer.
    if (kept.probes === undefined || this.#probes !== undefined || this.#succeeded) return;
    this.#refusals += 1;
    // Times to come are of a clock that was ahead.
    const [since, refusedAt] = [Math.min(kept.probes.since, now), Math.min(kept.probes.refusedAt, now)];
    this.#probes = new QuotaProbes((at) => this.#count.nextReset(at), { ...kept.probes, since, refusedAt });
  }

  #endProbe(attempt: QuotaAttempt): void {
    if (this.#probe === attempt) this.#probe = undefined;
  }
}

/** A relay, with what is known of it. */
import type { CarrierFailure } from './carrier.js';
import type { Carrier } from './carrier.js';
import type { ResolvedRelay } from '../options.js';
import type { RelayStats } from '../tunnel/types.js';
import type { Account } from './account.js';
import { Breaker } from './breaker.js';

/** What {@link Relay.gate} gives. */
export interface RelayGate {
  /** Most requests at once over this relay. */
  readonly concurrency: number;
  /** No request before this time, in ms on the clock of `performance.now()`; in the past when it does not rest. */
  readonly blockedUntil: number;
}

/** One way to the node. */
export class Relay {
  readonly entry: ResolvedRelay;
  readonly carrier: Carrier;
  readonly account: Account;
  readonly breaker = new Breaker();
  inFlight = 0;
  /** Its last exchange worked. One that has not shown that yet gets probes, not what an application waits for. */
  proven = false;
  /** Moving average of the time of an exchange that was not held by the node, in ms. */
  latencyMs: number | undefined;

  constructor(entry: ResolvedRelay, carrier: Carrier, account: Account) {
    this.entry = entry;
    this.carrier = carrier;
    this.account = account;
  }

  /** The relay, without secrets. */
  get name(): string {
    return this.entry.name;
  }

  /** Whether a request may be sent now. */
  admits(now: number): boolean {
    return (
      this.account.inFlight < this.account.maxConcurrent && this.breaker.admits(now) && this.account.breaker.admits(now)
    );
  }

  /** What bounds it now, from outside of whoever sends: places of its account that others leave, and its rests. */
  gate(now: number): RelayGate {
    const free = Math.max(0, this.account.maxConcurrent - this.account.inFlight);
    const blockedUntil = Math.max(this.breaker.restUntil, this.account.breaker.restUntil);
    const trying = !this.breaker.admits(now) || !this.account.breaker.admits(now);
    return { concurrency: trying ? 0 : this.inFlight + free, blockedUntil };
  }

  /** Why it takes no request, and how much longer; undefined when nothing but its load is against it. */
  resting(now: number): { failure: CarrierFailure; restMs: number } | undefined {
    const worse = this.breaker.restUntil > this.account.breaker.restUntil ? this.breaker : this.account.breaker;
    if (worse.cause === undefined || worse.restUntil <= now) return undefined;
    return { failure: worse.cause, restMs: worse.restUntil - now };
  }

  /** Notes the time of an exchange. */
  measure(ms: number): void {
    this.latencyMs = this.latencyMs === undefined ? ms : this.latencyMs * 0.75 + ms * 0.25;
  }

  stats(now: number): RelayStats {
    const rest = this.resting(now);
    const tries = this.breaker.state(now) === 'trying' || this.account.breaker.state(now) === 'trying';
    const cause = rest?.failure ?? (tries ? (this.breaker.cause ?? this.account.breaker.cause) : undefined);
    return {
      relay: this.name,
      state: rest ? 'resting' : tries ? 'trying' : 'works',
      inFlight: this.inFlight,
      ...(this.latencyMs === undefined ? {} : { latencyMs: this.latencyMs }),
      ...(rest ? { restMs: rest.restMs } : {}),
      ...(cause ? { code: cause.code } : {}),
    };
  }
}

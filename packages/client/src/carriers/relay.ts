/** Relays and the accounts that they share, with what is known of them. */
import type { CarrierFailure } from './carrier.js';
import type { Carrier } from './carrier.js';
import type { ResolvedRelay } from '../options.js';
import type { RelayStats } from '../tunnel/types.js';
import { Breaker } from './breaker.js';

/** Requests that are under way at once over all relays of one account, and whether it takes any. */
export class Account {
  readonly breaker = new Breaker();
  readonly maxConcurrent: number;
  inFlight = 0;

  constructor(maxConcurrent: number) {
    this.maxConcurrent = maxConcurrent;
  }
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

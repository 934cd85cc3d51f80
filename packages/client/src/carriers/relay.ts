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
    return this.breaker.admits(now) && this.account.admits(now);
  }

  /**
   * What bounds it now, from outside of whoever sends: places and quota of its account that others leave, and its rests. While
   * it has to be found out whether it works, and after its rest, that is one request more than are under way. `own` of those under
   * way are of who asks.
   */
  gate(now: number, own: number = this.inFlight): RelayGate {
    const rest = this.resting(now);
    const blockedUntil = rest === undefined ? now : now + rest.restMs;
    // After a rest one request finds out. Should its account still have no place then, the lease is refused.
    const more = rest !== undefined ? 1 : this.free(now);
    return { concurrency: own + more, blockedUntil };
  }

  /** Requests that may begin now. */
  free(now: number): number {
    if (!this.breaker.admits(now)) return 0;
    return Math.min(this.account.free(now), this.breaker.state(now) === 'works' ? Infinity : 1);
  }

  /** Why it takes no request, and how much longer; undefined when nothing but its load is against it. */
  resting(now: number): { failure: CarrierFailure; restMs: number } | undefined {
    const { cause, restUntil } = this.breaker;
    const ofAccount = this.account.resting(now);
    const restMs = restUntil - now;
    if (cause === undefined || restMs <= (ofAccount?.restMs ?? 0)) return ofAccount;
    return { failure: cause, restMs };
  }

  /** Notes the time of an exchange. */
  measure(ms: number): void {
    this.latencyMs = this.latencyMs === undefined ? ms : this.latencyMs * 0.75 + ms * 0.25;
  }

  stats(now: number): RelayStats {
    const rest = this.resting(now);
    const tries = this.breaker.state(now) === 'trying' || this.account.doubt(now) !== undefined;
    const code = rest?.failure.code ?? (tries ? (this.breaker.cause?.code ?? this.account.doubt(now)) : undefined);
    return {
      relay: this.name,
      account: this.account.label,
      state: rest ? 'resting' : tries ? 'trying' : 'works',
      inFlight: this.inFlight,
      ...(this.latencyMs === undefined ? {} : { latencyMs: this.latencyMs }),
      ...(rest ? { restMs: rest.restMs } : {}),
      ...(code === undefined ? {} : { code }),
    };
  }
}

/**
 * All relays of a tunnel: who gets the next request, and when.
 *
 * Whoever wants to send asks for a lease. Requests for leases are served in the order asked, each by the best relay that it
 * accepts; one that accepts only busy or resting relays does not hold up those behind it. Waiting here is no failure and
 * has no timeout.
 */
import type { EventHub, MillraceEvent } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';
import { choreTimer, soon, type Timer } from '../tunnel/clock.js';
import type { Account } from './account.js';
import type { CarrierFailure } from './carrier.js';
import type { Relay } from './relay.js';
import { createLease, type Lease } from './relay-pool-lease.js';
import { BlockTeller, blockOf, type PoolBlock } from './relay-pool-block.js';
import { bestRelay, preferProven } from './relay-pool-choice.js';

export type { Exchange, ExchangeResult, Lease } from './relay-pool-lease.js';
export type { PoolBlock } from './relay-pool-block.js';

/** What is wanted of a lease. */
export interface LeaseRequest {
  /** Which relays may serve it. */
  readonly accepts: (relay: Relay) => boolean;
  /** A relay to use only if no other is there. */
  readonly avoid?: Relay | undefined;
  /** Called once, with a lease that must be used or given back. Possibly at once. */
  readonly grant: (lease: Lease) => void;
}

export class RelayPool {
  readonly relays: readonly Relay[];
  /** Each once. */
  readonly accounts: readonly Account[];
  readonly #events: EventHub<MillraceEvent>;
  readonly #requests: LeaseRequest[] = [];
  readonly #failureListeners = new Set<(relay: Relay) => void>();
  readonly #successListeners = new Set<(relay: Relay, recovered: boolean) => void>();
  readonly #passedOverListeners = new Set<(relay: Relay) => void>();
  readonly #changeListeners = new Set<() => void>();
  readonly #probeListeners = new Set<(relay: Relay) => void>();
  /** Accounts that are counted out, since when, and whether those who wait were told. */
  readonly #countedOut = new Map<Account, { readonly since: number; told: boolean }>();
  #inFlight = 0;
  #turn = 0;
  #serving = false;
  #closed = false;
  #held = false;
  #timer: Timer | undefined;
  readonly #teller: BlockTeller;

  constructor(relays: readonly Relay[], events: EventHub<MillraceEvent>) {
    this.relays = relays;
    this.accounts = [...new Set(relays.map((relay) => relay.account))];
    this.#events = events;
    this.#teller = new BlockTeller(events);
  }

  /** Exchanges under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Exchanges that all accounts bear together. */
  get capacity(): number {
    return this.accounts.reduce((sum, account) => sum + account.maxConcurrent, 0);
  }

  /** Exchanges that could begin now on relays that `accepts` takes. */
  free(accepts: (relay: Relay) => boolean): number {
    if (this.#held) return 0;
    const now = performance.now();
    const most = new Map<Account, number>();
    for (const relay of this.relays) {
      if (!accepts(relay)) continue;
      // Each relay alone: one that is tried after a rest takes a single request.
      most.set(relay.account, (most.get(relay.account) ?? 0) + relay.free(now));
    }
    return [...most].reduce((sum, [account, places]) => sum + Math.min(places, account.free(now)), 0);
  }

  /** Asks for a lease. Returns how to withdraw the request. */
  request(request: LeaseRequest): () => void {
    this.#requests.push(request);
    this.#serve();
    return () => {
      const index = this.#requests.indexOf(request);
      if (index >= 0) this.#requests.splice(index, 1);
    };
  }

  /** Leave to send over that very relay, at once and before all that wait; undefined when it admits nothing now. */
  lease(relay: Relay): Lease | undefined {
    return !this.#held && relay.admits(performance.now()) ? this.#lease(relay) : undefined;
  }

  /**
   * Calls `listener` when an account may be asked whether its quota is still used up, nothing that waits does that, and `relay`
   * would do for it: whoever sends something over it, without any content if need be, finds out. Listeners are called in turn until
   * one has taken the lease.
   */
  onProbeDue(listener: (relay: Relay) => void): void {
    this.#probeListeners.add(listener);
  }

  /** Grants no lease until the function that is returned is called: what was counted before is not known yet. */
  hold(): () => void {
    this.#held = true;
    return () => {
      if (!this.#held) return;
      this.#held = false;
      this.refresh();
    };
  }

  /** What is known of accounts has changed from outside. */
  refresh(): void {
    this.#changed();
    this.#serve();
  }

  /** Calls `listener` whenever a place was taken or came free, or a rest began or ended: gates may be others now. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** The shortest rest that keeps all relays that `accepts` takes from sending, with its cause; undefined while one works. */
  blocked(accepts: (relay: Relay) => boolean): { failure: CarrierFailure; restMs: number } | undefined {
    const now = performance.now();
    let shortest: { failure: CarrierFailure; restMs: number } | undefined;
    for (const relay of this.relays) {
      if (!accepts(relay)) continue;
      const rest = relay.resting(now);
      if (rest === undefined) return undefined;
      if (shortest === undefined || rest.restMs < shortest.restMs) shortest = rest;
    }
    return shortest;
  }

  /** Until when every account is used up or was told to wait; undefined while one takes requests, or is about to find out whether it does. */
  blockedUntil(): PoolBlock | undefined {
    return blockOf(this.accounts, this.relays, performance.now());
  }

  /** Calls `listener` when a relay begins to rest. */
  onRest(listener: (relay: Relay) => void): void {
    this.#failureListeners.add(listener);
  }

  /** Calls `listener` after each exchange that worked; `recovered` when it ended a rest. */
  onSuccess(listener: (relay: Relay, recovered: boolean) => void): void {
    this.#successListeners.add(listener);
  }

  /** Calls `listener` when a relay was passed over because nobody knows whether it works. */
  onPassedOver(listener: (relay: Relay) => void): void {
    this.#passedOverListeners.add(listener);
  }

  /** Withdraws all requests and closes all carriers. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#requests.length = 0;
    clearTimeout(this.#timer);
    await Promise.all(this.relays.map((relay) => relay.carrier.close()));
  }

  #serve(): void {
    // A grant may ask for the next lease: the loop below sees it.
    if (this.#serving || this.#held) return;
    this.#serving = true;
    // One point in time for all of it: a rest that ends in between must neither be missed here nor by the timer below.
    const now = performance.now();
    for (const account of this.accounts) account.sync(now);
    try {
      for (let index = 0; index < this.#requests.length;) {
        const request = this.#requests[index] as LeaseRequest;
        const relay = this.#choose(request, now);
        if (relay === undefined) {
          index += 1;
          continue;
        }
        this.#requests.splice(index, 1);
        request.grant(this.#lease(relay));
        // A grant may also withdraw requests, so that positions are no longer what they were.
        index = 0;
      }
    } finally {
      this.#serving = false;
    }
    this.#noteCountedOut(now);
    this.#teller.look(this.accounts, this.relays, now);
    this.#wakeAfterRest(now);
  }

  /**
   * An account that is counted out rests without a failure: whoever waits for its relays is told all the same, once the last
   * requests are answered, since those may be what is waited for; or have taken longer than an open waits.
   */
  #noteCountedOut(now: number): void {
    for (const account of this.accounts) {
      if (!account.countedOut(now)) {
        this.#countedOut.delete(account);
        continue;
      }
      const noted = this.#countedOut.get(account) ?? { since: now, told: false };
      this.#countedOut.set(account, noted);
      if (noted.told || (account.inFlight > 0 && now < noted.since + CLIENT_LIMITS.openPatienceMs)) continue;
      noted.told = true;
      for (const relay of this.relays) if (relay.account === account) this.#rests(relay);
    }
  }

  #rests(relay: Relay): void {
    for (const listener of this.#failureListeners) listener(relay);
  }

  #choose({ accepts, avoid }: LeaseRequest, now: number): Relay | undefined {
    const candidates = this.relays.filter((relay) => accepts(relay) && relay.admits(now));
    const others = candidates.filter((relay) => relay !== avoid);
    const wanted = others.length > 0 ? others : candidates;
    const choice = preferProven(wanted);
    for (const relay of wanted) {
      if (choice.includes(relay)) continue;
      for (const listener of this.#passedOverListeners) queueMicrotask(() => listener(relay));
    }
    this.#turn += 1;
    return bestRelay(choice, this.#turn);
  }

  #lease(relay: Relay): Lease {
    return createLease(relay, {
      events: this.#events,
      onBegin: () => {
        this.#inFlight += 1;
        this.#changed();
        // The last request of the day: nothing else may happen for long.
        if (relay.account.countedOut(performance.now())) queueMicrotask(() => this.#serve());
      },
      onSuccess: (recovered) => {
        for (const listener of this.#successListeners) listener(relay, recovered);
      },
      onRest: () => this.#rests(relay),
      onEnd: () => {
        this.#inFlight -= 1;
        this.#changed();
        // Those that wait are served after whoever had the lease has seen its end.
        queueMicrotask(() => this.#serve());
      },
    });
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }

  #wakeAfterRest(now: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const rests = this.relays.map((relay) => relay.resting(now)?.restMs).filter((ms) => ms !== undefined);
    // Someone may have had the lease, and not used it.
    const due = this.accounts.some((account) => account.probeDue(now));
    if (rests.length === 0 && !due) return;
    for (const { since, told } of this.#countedOut.values()) {
      if (!told) rests.push(since + CLIENT_LIMITS.openPatienceMs - now);
    }
    const waitMs = Math.ceil(Math.min(...rests, CLIENT_LIMITS.wallCheckMs));
    const wake = (): void => {
      this.#changed();
      this.#serve();
      // Whoever was just told that the rest is over may have something to send: that finds out as well.
      soon(() => this.#probe());
    };
    this.#timer = this.#requests.length > 0 ? setTimeout(wake, waitMs) : choreTimer(wake, waitMs);
  }

  /** Has someone find out about accounts of which it is time, and that nothing which waits is for. */
  #probe(): void {
    if (this.#closed) return;
    const now = performance.now();
    for (const account of this.accounts) {
      const candidates = this.relays.filter((relay) => relay.account === account && relay.admits(now));
      // One that has troubles of its own would find out about those.
      const sound = candidates.filter((relay) => relay.breaker.state(now) === 'works');
      this.#turn += 1;
      const relay = bestRelay(sound.length > 0 ? sound : candidates, this.#turn);
      if (relay === undefined) continue;
      for (const listener of this.#probeListeners) if (account.probeDue(now)) listener(relay);
    }
  }
}

/**
 * All relays of a tunnel: who gets the next request, and when.
 *
 * Whoever wants to send asks for a lease. Requests for leases are served in the order asked, each by the best relay that it
 * accepts; one that accepts only busy or resting relays does not hold up those behind it. Waiting here is no failure and
 * has no timeout.
 */
import type { EventHub, MillraceEvent } from '@millrace/protocol';
import type { CarrierAnswer, CarrierFailed, CarrierFailure, SendOptions } from './carrier.js';
import type { Attempt } from './breaker.js';
import type { Relay } from './relay.js';

/** What is wanted of a lease. */
export interface LeaseRequest {
  /** Which relays may serve it. */
  readonly accepts: (relay: Relay) => boolean;
  /** A relay to use only if no other is there. */
  readonly avoid?: Relay | undefined;
  /** Called once, with a lease that must be used or given back. Possibly at once. */
  readonly grant: (lease: Lease) => void;
}

/** What `Lease.exchange` sends. */
export interface Exchange<T> {
  readonly body: Uint8Array;
  /** Operations in it, for the event. */
  readonly ops: number;
  readonly send: SendOptions;
  /** The node may have held the answer back, or dialled: its time says nothing about the relay. */
  readonly held?: boolean;
  /** Reads the answer; what it finds wrong counts against the relay. */
  readonly decode: (body: Uint8Array) => { readonly ok: true; readonly value: T } | CarrierFailed;
}

export class RelayPool {
  readonly relays: readonly Relay[];
  readonly #events: EventHub<MillraceEvent>;
  readonly #requests: LeaseRequest[] = [];
  readonly #failureListeners = new Set<(relay: Relay) => void>();
  readonly #successListeners = new Set<(relay: Relay, recovered: boolean) => void>();
  readonly #passedOverListeners = new Set<(relay: Relay) => void>();
  readonly #changeListeners = new Set<() => void>();
  #inFlight = 0;
  #turn = 0;
  #serving = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(relays: readonly Relay[], events: EventHub<MillraceEvent>) {
    this.relays = relays;
    this.#events = events;
  }

  /** Exchanges under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Exchanges that all accounts bear together. */
  get capacity(): number {
    return [...new Set(this.relays.map((relay) => relay.account))].reduce(
      (sum, account) => sum + account.maxConcurrent,
      0,
    );
  }

  /** Exchanges that could begin now on relays that `accepts` takes. */
  free(accepts: (relay: Relay) => boolean): number {
    const now = performance.now();
    const accounts = new Set(
      this.relays.filter((relay) => accepts(relay) && relay.admits(now)).map((relay) => relay.account),
    );
    return [...accounts].reduce((sum, account) => sum + account.maxConcurrent - account.inFlight, 0);
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
    return relay.admits(performance.now()) ? this.#lease(relay) : undefined;
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
    this.#requests.length = 0;
    clearTimeout(this.#timer);
    await Promise.all(this.relays.map((relay) => relay.carrier.close()));
  }

  #serve(): void {
    // A grant may ask for the next lease: the loop below sees it.
    if (this.#serving) return;
    this.#serving = true;
    // One point in time for all of it: a rest that ends in between must neither be missed here nor by the timer below.
    const now = performance.now();
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
    this.#wakeAfterRest(now);
  }

  #choose({ accepts, avoid }: LeaseRequest, now: number): Relay | undefined {
    const candidates = this.relays.filter((relay) => accepts(relay) && relay.admits(now));
    const others = candidates.filter((relay) => relay !== avoid);
    const choice = this.#proven(others.length > 0 ? others : candidates);
    // One that was never used is taken for as quick as the quickest, so that it is tried.
    const known = choice.map((relay) => relay.latencyMs).filter((ms) => ms !== undefined);
    const quickest = known.length > 0 ? Math.min(...known) : 1;
    let best: Relay | undefined;
    let bestScore = Infinity;
    this.#turn += 1;
    for (let index = 0; index < choice.length; index += 1) {
      const relay = choice[(index + this.#turn) % choice.length] as Relay;
      const score = (relay.inFlight + 1) * rough(relay.latencyMs ?? quickest);
      if (score < bestScore) [best, bestScore] = [relay, score];
    }
    return best;
  }

  /** Those that work, if there are any: an application should not be the one that finds out. */
  #proven(candidates: readonly Relay[]): readonly Relay[] {
    const proven = candidates.filter((relay) => relay.proven);
    if (proven.length === 0) return candidates;
    for (const relay of candidates) {
      if (!relay.proven) for (const listener of this.#passedOverListeners) queueMicrotask(() => listener(relay));
    }
    return proven;
  }

  #lease(relay: Relay): Lease {
    const now = performance.now();
    relay.inFlight += 1;
    relay.account.inFlight += 1;
    this.#inFlight += 1;
    this.#changed();
    const attempts = { relay: relay.breaker.begin(now), account: relay.account.breaker.begin(now) };
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      relay.inFlight -= 1;
      relay.account.inFlight -= 1;
      this.#inFlight -= 1;
      this.#changed();
      // Those that wait are served after whoever had the lease has seen its end.
      queueMicrotask(() => this.#serve());
    };
    return {
      relay,
      exchange: async (exchange) => {
        const result = await this.#exchange(relay, attempts, exchange);
        end();
        return result;
      },
      giveBack: () => {
        relay.breaker.abandon(attempts.relay);
        relay.account.breaker.abandon(attempts.account);
        end();
      },
    };
  }

  async #exchange<T>(relay: Relay, attempts: Attempts, exchange: Exchange<T>): Promise<ExchangeResult<T>> {
    const startedAt = performance.now();
    const answer: CarrierAnswer = await relay.carrier.send(exchange.body, exchange.send);
    const result = answer.ok ? exchange.decode(answer.body) : answer;
    const now = performance.now();
    if (result.ok) {
      relay.proven = true;
      const bytes = exchange.body.byteLength + (answer.ok ? answer.body.byteLength : 0);
      if (!exchange.held && bytes < MEASURED_BYTES) relay.measure(now - startedAt);
      const accountRecovered = relay.account.breaker.succeed(attempts.account);
      const recovered = relay.breaker.succeed(attempts.relay) || accountRecovered;
      if (recovered) this.#events.emit({ event: 'relay-works', relay: relay.name });
      for (const listener of this.#successListeners) listener(relay, recovered);
    } else {
      this.#noteFailure(relay, attempts, result.failure, now);
    }
    this.#events.emit({
      event: 'exchange',
      relay: relay.name,
      ops: exchange.ops,
      bytesOut: exchange.body.byteLength,
      bytesIn: answer.ok ? answer.body.byteLength : 0,
      ms: now - startedAt,
      ...(result.ok ? {} : { code: result.failure.code }),
    });
    return result;
  }

  #noteFailure(relay: Relay, attempts: Attempts, failure: CarrierFailure, now: number): void {
    const ofAccount = failure.code === 'RELAY_QUOTA_DAY' || failure.code === 'RELAY_QUOTA_RATE';
    const blamed = ofAccount ? relay.account.breaker : relay.breaker;
    const other = ofAccount ? relay.breaker : relay.account.breaker;
    other.abandon(ofAccount ? attempts.relay : attempts.account);
    const attempt = ofAccount ? attempts.account : attempts.relay;
    if (failure.code === 'ABORTED') {
      blamed.abandon(attempt);
      return;
    }
    relay.proven = false;
    const restMs = blamed.fail(attempt, failure, now);
    if (restMs === undefined) return;
    this.#events.emit({
      event: 'relay-failed',
      relay: relay.name,
      code: failure.code,
      message: failure.message,
      restMs,
    });
    for (const listener of this.#failureListeners) listener(relay);
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }

  #wakeAfterRest(now: number): void {
    clearTimeout(this.#timer);
    if (this.#requests.length === 0) return;
    const rests = this.relays.map((relay) => relay.resting(now)?.restMs).filter((ms) => ms !== undefined);
    if (rests.length > 0) this.#timer = setTimeout(() => this.#serve(), Math.ceil(Math.min(...rests)));
  }
}

/** A larger exchange tells more about its size than about the relay. */
const MEASURED_BYTES = 64 * 1024;

/** Latencies that hardly differ count as the same, so that relays take turns and no quota is used up before the others. */
function rough(ms: number): number {
  return 1.5 ** Math.round(Math.log(Math.max(ms, 10)) / Math.log(1.5));
}

/** Leave to send one request over one relay. */
export interface Lease {
  readonly relay: Relay;
  /** Sends it. Never rejects. */
  exchange<T>(exchange: Exchange<T>): Promise<ExchangeResult<T>>;
  /** Does without. */
  giveBack(): void;
}

/** What came of an exchange. */
export type ExchangeResult<T> = { readonly ok: true; readonly value: T } | CarrierFailed;

interface Attempts {
  readonly relay: Attempt;
  readonly account: Attempt;
}

import { DeliveryRate } from './delivery-rate.js';
import { AdaptiveHold } from './hold.js';
import { InFlight } from './in-flight.js';
import type { ResolvedPathOptions, ResolvedStreamOptions } from './options.js';
import type { PacketRecord } from './packet-records.js';
import { RoundTrip } from './rtt.js';

/** Round trip assumed of a relay that has not answered yet, ms. */
const INITIAL_RTT_MS = 300;
/** Delay after the second failure in a row, ms; doubled with each further one. */
const LEAST_BACKOFF_MS = 100;
const MOST_BACKOFF_MS = 30_000;
/** A relay that nothing was sent on is measured again after this, ms. */
const MEASURE_EVERY_MS = 60_000;
/** Least delivery assumed for the transfer part of patience, bytes per ms: what was delivered so far may just be little. */
const LEAST_RATE = 64;
/** Factor on patience after an exchange in vain, at most. */
const MOST_PATIENCE_FACTOR = 8;
/** What one exchange costs. */
export const EXCHANGE_COST_BYTES = 384;

/** A request under way. */
export interface Exchange {
  readonly n: number;
  readonly record: PacketRecord;
  readonly sentAt: number;
  readonly holdMs: number;
  readonly maxBytes: number;
  readonly hedgeAt: number;
  readonly patienceAt: number;
  /** Its content was given to another path too. */
  hedged: boolean;
}

/** Limits that come from outside: of the account, of its quota. */
export interface PathGate {
  /** Most exchanges at once. */
  concurrency?: number;
  /** No request before this time, ms. */
  blockedUntil?: number;
}

/** One relay, seen from the client: exchanges under way, round trips, hold, failures. */
export class RelayPath {
  readonly id: string;
  readonly options: ResolvedPathOptions;
  readonly rtt = new RoundTrip(INITIAL_RTT_MS);
  readonly rate = new DeliveryRate();
  readonly control: InFlight;
  readonly hold: AdaptiveHold;
  readonly exchanges = new Map<number, Exchange>();
  gate: PathGate = {};
  /** It leads to another node. */
  foreign = false;
  /** When it last showed the present epoch. */
  sameNodeAt: number | undefined;
  failures = 0;
  #blockedUntil = Number.NEGATIVE_INFINITY;
  #patienceFactor = 1;
  #usedAt = Number.NEGATIVE_INFINITY;
  #emptyHolds = 0;
  #holdNotBefore = Number.NEGATIVE_INFINITY;

  constructor(id: string, options: ResolvedPathOptions) {
    this.id = id;
    this.options = options;
    this.control = new InFlight({ initial: 2, least: 1, most: options.concurrency });
    this.hold = new AdaptiveHold(options);
  }

  /** Most exchanges at once, by path and account. */
  get concurrency(): number {
    return Math.max(0, Math.min(this.options.concurrency, this.gate.concurrency ?? Number.POSITIVE_INFINITY));
  }

  /** No request before this time. */
  get blockedUntil(): number {
    return Math.max(this.#blockedUntil, this.gate.blockedUntil ?? Number.NEGATIVE_INFINITY);
  }

  /** No exchange is worth holding before this time: the last ones came back empty at once. */
  get holdNotBefore(): number {
    return this.#holdNotBefore;
  }

  /** Places for another exchange. One place is kept for what is urgent, so that held exchanges lock nobody out. */
  places(urgent: boolean): number {
    const most = this.concurrency;
    const allowed = urgent ? most : Math.min(Math.max(1, most - 1), most, this.control.limit);
    return allowed - this.exchanges.size;
  }

  /** Exchanges that the node may hold. */
  get held(): number {
    let held = 0;
    for (const exchange of this.exchanges.values()) if (exchange.holdMs > 0 && !exchange.hedged) held++;
    return held;
  }

  /** When an answer is to be expected here, as far as its past and its present silence tell, ms from now. */
  latencyMs(now: number): number {
    let late = 0;
    for (const exchange of this.exchanges.values()) {
      if (exchange.hedgeAt <= now) late = Math.max(late, now - exchange.sentAt - exchange.holdMs);
    }
    return Math.max(this.rtt.smoothedMs, late) * 2 ** Math.min(this.failures, 8);
  }

  /** It should be measured: it has not answered yet, failed last, or was not used for long. */
  wantsProbe(now: number): boolean {
    if (this.exchanges.size > 0) return false;
    return !this.rtt.measured || this.failures > 0 || this.foreign || now - this.#usedAt >= MEASURE_EVERY_MS;
  }

  /** When `wantsProbe` may become true, at the latest. */
  probeAt(): number {
    return this.rtt.measured && this.failures === 0 && !this.foreign ? this.#usedAt + MEASURE_EVERY_MS : 0;
  }

  /** An exchange begins. */
  start(
    record: PacketRecord,
    holdMs: number,
    maxBytes: number,
    expectBytes: number,
    options: ResolvedStreamOptions,
  ): void {
    const { n, sentAt } = record;
    const transfer = (record.sizeBytes + expectBytes) / Math.max(LEAST_RATE, this.rate.best / 4);
    const late = this.rtt.measured ? this.rtt.lateMs * 2 : options.initialPatienceMs / 3;
    const patience = this.rtt.measured
      ? Math.max(options.minPatienceMs, 3 * this.rtt.lateMs) * this.#patienceFactor
      : options.initialPatienceMs;
    const hedgeAt = sentAt + holdMs + transfer + Math.max(late, 50);
    const patienceAt = Math.max(hedgeAt, sentAt + holdMs + transfer + patience);
    this.#usedAt = sentAt;
    this.exchanges.set(n, { n, record, sentAt, holdMs, maxBytes, hedgeAt, patienceAt, hedged: false });
    if (this.exchanges.size >= this.control.limit) this.rate.noteLimited();
  }

  /** An exchange was answered with `bytes` of payload. `full`: the response left as soon as the node had it. */
  answered(exchange: Exchange, bytes: number, full: boolean, empty: boolean, now: number): void {
    this.exchanges.delete(exchange.n);
    const tookMs = now - exchange.sentAt;
    this.failures = 0;
    this.#patienceFactor = Math.max(1, this.#patienceFactor * 0.9);
    this.#blockedUntil = Number.NEGATIVE_INFINITY;
    this.hold.answered(exchange.holdMs, tookMs);
    const sample = tookMs >= exchange.holdMs ? tookMs - exchange.holdMs : tookMs;
    const prompt = exchange.holdMs === 0 || full;
    if (prompt || tookMs >= exchange.holdMs || tookMs < this.rtt.smoothedMs) this.rtt.add(sample, now);
    const round = this.rate.delivered(bytes + exchange.record.sizeBytes, exchange.sentAt, sample, now);
    if (round !== undefined) {
      const slotBytes = Math.max(bytes, exchange.record.sizeBytes, 1);
      this.control.onRound(round, this.rtt.minMs, this.rate.best, slotBytes);
    }
    this.#emptyHolds = empty && tookMs * 2 < exchange.holdMs ? this.#emptyHolds + 1 : 0;
    if (this.#emptyHolds > 1) this.#holdNotBefore = now + Math.min(1000, 10 * 2 ** Math.min(this.#emptyHolds, 8));
  }

  /** An exchange failed, or the patience with it is over (`silent`). */
  failed(exchange: Exchange, silent: boolean, now: number): void {
    this.exchanges.delete(exchange.n);
    this.failures++;
    this.hold.failed(exchange.holdMs, now - exchange.sentAt);
    if (silent) this.#patienceFactor = Math.min(MOST_PATIENCE_FACTOR, this.#patienceFactor * 2);
    if (this.failures > 1) this.back(now);
  }

  /** Leaves the path alone for a while, longer each time. */
  back(now: number): void {
    const delay = Math.min(MOST_BACKOFF_MS, LEAST_BACKOFF_MS * 2 ** Math.min(this.failures - 2, 20));
    this.#blockedUntil = Math.max(this.#blockedUntil, now + Math.max(LEAST_BACKOFF_MS, delay));
  }

  /** Leaves the path alone until `at`. */
  blockUntil(at: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, at);
  }
}

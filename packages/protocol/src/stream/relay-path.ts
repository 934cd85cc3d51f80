import { ExchangeRate } from './exchange-rate.js';
import { ExchangeWindow } from './exchange-window.js';
import { expectSooner, overtake, type Exchange } from './exchange.js';
import { AdaptiveHold } from './hold.js';
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
/** By how much exchanges may overtake each other: least ms, share of a round trip as it is now, and the most it is widened. */
const LEAST_ORDER_MS = 20;
const ORDER_SHARE = 1 / 4;
const MOST_ORDER_FACTOR = 8;
/** Lateness after which an exchange is sent again: at least so many ms, and in late round trips. */
const LEAST_HEDGE_MS = 150;
const LATE_HEDGE = 1.5;
/** Share of the first patience after which an exchange of a path that never answered is sent again. */
const COLD_HEDGE = 12;
/** Longest gap between two bodies of bulk, ms, or half of the least round trip: a rate may be measured far too low. */
const LONGEST_GAP_MS = 250;
const UNSURE_GAP_MS = 50;
/** Without bulk for so long, ms, or for a round trip, a path has rested. */
const REST_MS = 250;
/** A held exchange that comes back empty sooner came back at once, ms. */
const AT_ONCE_MS = 1000;
/** A request of this size carries more than what is small. */
const UPLOAD_BYTES = 4096;
/** So many bodies beyond what is on the way keep a relay busy. */
const BUSY_BODIES = 3 / 4;
/** A body of this size is bulk. */
const BULK_BYTES = 65_536;
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
  readonly rate = new ExchangeRate();
  readonly window = new ExchangeWindow();
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
  #flightBytes = 0;
  #expectedBytes = 0;
  #paceAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #orderFactor = 1;
  #bulkAt = Number.NEGATIVE_INFINITY;
  #holdNotBefore = Number.NEGATIVE_INFINITY;

  constructor(id: string, options: ResolvedPathOptions) {
    this.id = id;
    this.options = options;
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

  /** Another exchange may begin. One place is kept for what is urgent, so that held exchanges lock nobody out. */
  hasPlace(urgent: boolean, now: number): boolean {
    const most = this.concurrency;
    if (urgent) return this.exchanges.size < most;
    return this.exchanges.size < (most > 2 ? most - 1 : most) && this.hasWindow(now);
  }

  /** Bulk may be sent, or asked for: the window has room, and the last piece has had its time. */
  hasWindow(now: number): boolean {
    return this.#paceAt <= now && (this.#flightBytes === 0 || this.#flightBytes < this.window.bytes);
  }

  /** When the next piece of bulk may follow. Exchanges that begin together would fill one leg after the other. */
  get paceAt(): number {
    return this.#paceAt;
  }

  /** Bytes under way, those that are to come back included, as a share of what is allowed. */
  get load(): number {
    return this.#flightBytes / this.window.bytes;
  }

  /** Bytes of requests under way that carry more than a few. */
  get uploadBytes(): number {
    let bytes = 0;
    for (const { record } of this.exchanges.values()) if (record.sizeBytes >= UPLOAD_BYTES) bytes += record.sizeBytes;
    return bytes;
  }

  /** So much is under way to the node that it loses nothing while a body of `bodyBytes` is filled. */
  isBusy(bodyBytes: number): boolean {
    return this.uploadBytes >= this.window.paceRate * this.rtt.minMs + BUSY_BODIES * bodyBytes;
  }

  /** Bytes that the answers under way may bring. */
  get expectedBytes(): number {
    return this.#expectedBytes;
  }

  /** Largest request for now: one of the places is that of the held exchange. `quick`: small messages travel beside bulk. */
  requestBytes(quick: boolean, now: number): number {
    return this.#bodyBytes(this.options.maxRequestBytes, Math.max(1, this.concurrency - 1), quick, now);
  }

  /** Largest response for now. */
  responseBytes(quick: boolean, now: number): number {
    return this.#bodyBytes(this.options.maxResponseBytes, this.concurrency, quick, now);
  }

  #bodyBytes(most: number, places: number, quick: boolean, now: number): number {
    if (now - this.#bulkAt > Math.max(REST_MS, this.rtt.minMs)) this.window.rested();
    return this.window.bodyBytes(most, this.rtt.minMs, places, quick);
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

  /** An exchange begins. `expectBytes`: what will come back, as far as it is known. */
  start(
    record: PacketRecord,
    holdMs: number,
    maxBytes: number,
    expectBytes: number,
    options: ResolvedStreamOptions,
  ): void {
    const { n, sentAt, sizeBytes } = record;
    const flightBytes = Math.max(sizeBytes, expectBytes);
    const transfer = (sizeBytes + expectBytes) / Math.max(LEAST_RATE, this.rate.best / 4);
    const late = this.rtt.measured ? this.rtt.lateMs * LATE_HEDGE : options.initialPatienceMs / COLD_HEDGE;
    const patience = this.rtt.measured
      ? Math.max(options.minPatienceMs, 3 * this.rtt.lateMs) * this.#patienceFactor
      : options.initialPatienceMs;
    const hedgeAt = sentAt + holdMs + transfer / 2 + Math.max(late, LEAST_HEDGE_MS);
    const patienceAt = Math.max(hedgeAt, sentAt + holdMs + transfer + patience);
    this.#usedAt = sentAt;
    this.exchanges.set(n, {
      n,
      stamp: this.rate.start(sentAt, this.#flightBytes < BULK_BYTES),
      record,
      sentAt,
      holdMs,
      maxBytes,
      flightBytes,
      hedgeAt,
      patienceAt,
      hedged: false,
      overtaken: false,
      forgiven: false,
    });
    this.#flightBytes += flightBytes;
    this.#expectedBytes += maxBytes;
    if (flightBytes >= BULK_BYTES) {
      this.window.used(flightBytes);
      this.#bulkAt = sentAt;
      const gap = Math.min(
        flightBytes / this.window.paceRate,
        Math.max(this.window.unsure ? UNSURE_GAP_MS : LONGEST_GAP_MS, this.rtt.minMs / 2),
      );
      this.#paceAt = Math.max(this.#paceAt, sentAt) + gap;
    }
    if (this.#flightBytes >= this.window.bytes) this.rate.noteLimited();
  }

  /** An exchange was answered with `bytes` of payload. `full`: the response left as soon as the node had it. */
  answered(exchange: Exchange, bytes: number, full: boolean, empty: boolean, now: number): void {
    const limited = this.#flightBytes >= this.window.bytes;
    this.#end(exchange);
    const tookMs = now - exchange.sentAt;
    if (exchange.hedged) this.#orderFactor = Math.min(MOST_ORDER_FACTOR, this.#orderFactor * 1.5);
    this.failures = 0;
    this.#answeredAt = now;
    this.#patienceFactor = Math.max(1, this.#patienceFactor * 0.9);
    this.#blockedUntil = Number.NEGATIVE_INFINITY;
    this.hold.answered(exchange.holdMs, tookMs);
    const moved = bytes + exchange.record.sizeBytes;
    if (moved >= BULK_BYTES) this.#bulkAt = now;
    // An empty answer came at the end of its hold, a full one at once; of the others only what is quick tells something.
    const sample = empty && tookMs >= exchange.holdMs ? tookMs - exchange.holdMs : tookMs;
    const { measured } = this.rtt;
    // A repeated request is answered with nothing at once: its time must not pass for a hold and a very short way.
    const atOnce = measured && empty && sample < this.rtt.minMs && tookMs <= this.rtt.lateMs;
    const told = exchange.holdMs === 0 || full || empty || !measured || tookMs < this.rtt.smoothedMs;
    const telling = told && !atOnce;
    if (telling) this.rtt.add(sample, now, (2 * moved) / Math.max(1, this.window.rate));
    if (!measured && this.rtt.measured) {
      const wait = Math.max(LEAST_HEDGE_MS, LATE_HEDGE * this.rtt.lateMs);
      expectSooner(this.exchanges.values(), now, { waitMs: wait, rate: LEAST_RATE });
    }
    this.window.base(this.rtt.minMs);
    this.window.answered({
      bytes: moved,
      sampleMs: sample,
      baseMs: this.rtt.minMs,
      limited,
      timed: exchange.flightBytes >= BULK_BYTES && (exchange.holdMs === 0 || bytes > 0),
    });
    const round = this.rate.delivered(
      exchange.stamp,
      exchange.sentAt,
      exchange.hedged ? 0 : moved,
      now,
      moved >= BULK_BYTES || this.#flightBytes < BULK_BYTES,
    );
    if (round !== undefined) {
      this.window.onRound(round, this.rtt.minMs, this.rate.best);
    }
    const order = Math.max(LEAST_ORDER_MS, this.rtt.smoothedMs * ORDER_SHARE) * this.#orderFactor;
    // At the start as the pace supposes it, with a margin.
    const rate = Math.max(this.rate.best / 2, this.window.paceRate / 4);
    overtake(this.exchanges.values(), exchange, now, { orderMs: order, movedBytes: moved, rate });
    this.#emptyHolds = empty && tookMs < Math.min(AT_ONCE_MS, exchange.holdMs / 2) ? this.#emptyHolds + 1 : 0;
    if (this.#emptyHolds > 1) this.#holdNotBefore = now + Math.min(1000, 10 * 2 ** Math.min(this.#emptyHolds, 8));
  }

  /** An exchange failed, or the patience with it is over (`silent`). */
  failed(exchange: Exchange, silent: boolean, now: number): void {
    this.#end(exchange);
    if (!exchange.hedged && now - exchange.sentAt >= this.rtt.minMs) this.rate.lost(exchange.flightBytes);
    this.hold.failed(exchange.holdMs, now - exchange.sentAt);
    // What vanished while others were answered says nothing of the relay as a whole.
    if (silent && this.#answeredAt >= exchange.sentAt) return;
    this.failures++;
    if (silent) this.#patienceFactor = Math.min(MOST_PATIENCE_FACTOR, this.#patienceFactor * 2);
    if (this.failures > 1) this.back(now);
  }

  /** The content of an exchange was given up, but not the exchange: it keeps its place, and its answer may still come. */
  hedge(exchange: Exchange): void {
    this.rate.lost(exchange.flightBytes);
    this.#release(exchange);
    exchange.hedged = true;
  }

  /** Room for another copy of what is late here. */
  get hedgePlace(): boolean {
    let hedged = 0;
    for (const exchange of this.exchanges.values()) if (exchange.hedged) hedged++;
    return this.exchanges.size < this.concurrency && hedged < Math.max(1, this.concurrency / 4);
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

  #end(exchange: Exchange): void {
    if (!this.exchanges.delete(exchange.n)) return;
    if (!exchange.hedged) this.#release(exchange);
  }

  #release(exchange: Exchange): void {
    if (exchange.hedged) return;
    this.#flightBytes -= exchange.flightBytes;
    this.#expectedBytes -= exchange.maxBytes;
  }
}

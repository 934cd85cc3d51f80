import { DeliveryRate } from './delivery-rate.js';
import { InFlight } from './in-flight.js';
import type { ResolvedPathOptions } from './options.js';
import type { BuiltPacket } from './packet-builder.js';
import type { PacketRecord } from './packet-records.js';
import { RoundTrip } from './rtt.js';

/** Packets that may overtake one before it counts as lost, to begin with (RFC 9002, 6.1.1), and at most. */
const LEAST_REORDERING = 3;
const MOST_REORDERING = 256;
/** The same in time, as a share of a round trip (RFC 9002, 6.1.2), to begin with, and at most. */
const LEAST_TIME_FACTOR = 9 / 8;
const MOST_TIME_FACTOR = 4;
/** Least wait for a probe, ms; more on ordered paths, where the layer below sends again by itself. */
const LEAST_PROBE_MS = 20;
const LEAST_ORDERED_PROBE_MS = 1000;
/** Packets sent beyond the window when a probe is due. */
const PROBES = 2;
/** First and longest silence of a client on a path, ms: the node has to learn of the path, and that the client lives. */
const LEAST_KEEP_MS = 1000;
const MOST_KEEP_MS = 15_000;
/** Most packets in flight. */
const MOST_SLOTS = 4096;
/** Probes in vain after which a path is not relied on. */
const SUSPECT_PROBES = 3;
const ENTRY_BYTES = 16;
/** Packets of an unordered path after which the peer is told at once what arrived; before, after a share of the round trip. */
const MOST_OWED = 8;
const OWE_SHARE = 1 / 8;
/** Pace: a little more than the window in a round trip, twice that while it grows (RFC 9002, section 7.7). */
const PACE_GAIN = 1.25;
const START_PACE_GAIN = 2;
/** Packets that may leave at once, or what the pace gives in so many ms if that is more. */
const BURST_PACKETS = 10;
const BURST_MS = 1;

/** One way on which packets go without pairs (websocket, UDP): round trips, loss, and what may be in flight. */
export class UnpairedPath {
  readonly id: string;
  readonly options: ResolvedPathOptions;
  readonly rtt: RoundTrip;
  readonly rate = new DeliveryRate();
  readonly control: InFlight;
  readonly #ackDelayMs: number;
  readonly #lose: (record: PacketRecord) => void;
  #sent: PacketRecord[] = [];
  #order = 0;
  #largest = -1;
  #inFlightBytes = 0;
  #lastSentAt = 0;
  #lossAt: number | undefined;
  #probeCount = 0;
  #probes = 0;
  #reordering = LEAST_REORDERING;
  #timeFactor = LEAST_TIME_FACTOR;
  #owed = 0;
  #owedAt: number | undefined;
  #keepMs = LEAST_KEEP_MS;
  #keepAt = Number.NEGATIVE_INFINITY;
  /** What may leave at once, as of a time. */
  #tokens = Number.POSITIVE_INFINITY;
  #tokensAt = 0;

  constructor(id: string, options: ResolvedPathOptions, ackDelayMs: number, lose: (record: PacketRecord) => void) {
    this.id = id;
    this.options = options;
    this.rtt = new RoundTrip(options.ordered ? 300 : 200);
    this.control = new InFlight({ initial: 10, least: 2, most: MOST_SLOTS });
    this.#ackDelayMs = ackDelayMs;
    this.#lose = lose;
  }

  /** Several probes in vain: what has another way takes it. */
  get suspect(): boolean {
    return this.#probeCount >= SUSPECT_PROBES;
  }

  get heldBytes(): number {
    return this.#sent.length * ENTRY_BYTES;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Another packet may be sent. Notes when only the limit, or the pace, prevents it. */
  canSend(now: number): boolean {
    if (this.#probes > 0) return true;
    if (this.#inFlightBytes < this.#windowBytes && this.paceAt(now) <= now) return true;
    this.rate.noteLimited();
    return false;
  }

  /** When the pace lets another packet go. Ordered paths have no pace: the layer below has its own. */
  paceAt(now: number): number {
    if (this.options.ordered || !this.rtt.measured) return now;
    const rate = this.#paceRate;
    const most = Math.max(BURST_PACKETS * this.options.maxRequestBytes, rate * BURST_MS);
    this.#tokens = Math.min(most, this.#tokens + (now - this.#tokensAt) * rate);
    this.#tokensAt = now;
    return this.#tokens > 0 ? now : now + (1 - this.#tokens) / rate;
  }

  /** The window has room, and only the pace keeps a packet back; undefined otherwise. */
  pacedUntil(now: number): number | undefined {
    if (this.#inFlightBytes >= this.#windowBytes) return undefined;
    const at = this.paceAt(now);
    return at > now ? at : undefined;
  }

  get #windowBytes(): number {
    return this.control.limit * this.options.maxRequestBytes;
  }

  /** Bytes per ms. */
  get #paceRate(): number {
    const gain = this.control.starting ? START_PACE_GAIN : PACE_GAIN;
    return (gain * this.#windowBytes) / Math.max(1, this.rtt.smoothedMs);
  }

  /** A packet that obliges an answer arrived. */
  owe(now: number): void {
    this.#owed++;
    const most = this.options.ordered ? Number.POSITIVE_INFINITY : MOST_OWED;
    const delay = this.options.ordered ? this.#ackDelayMs : Math.min(this.#ackDelayMs, this.rtt.smoothedMs * OWE_SHARE);
    const at = this.#owed >= most ? now : now + delay;
    this.#owedAt = Math.min(this.#owedAt ?? at, at);
  }

  /** When the peer has to be told what arrived. */
  get confirmAt(): number | undefined {
    return this.#owedAt;
  }

  /** When a client with streams has to show itself on this path. */
  get keepAt(): number {
    return this.#keepAt;
  }

  /** When a packet counts as lost by time, or a probe is due. */
  get lossAt(): number | undefined {
    if (this.#lossAt !== undefined) return this.#lossAt;
    if (this.#inFlightBytes === 0) return undefined;
    const least = this.options.ordered ? LEAST_ORDERED_PROBE_MS : LEAST_PROBE_MS;
    const wait = Math.max(least, this.rtt.lateMs + this.#ackDelayMs);
    return this.#lastSentAt + wait * 2 ** Math.min(this.#probeCount, 8);
  }

  onSent(built: BuiltPacket, now: number): void {
    this.#owed = 0;
    this.#owedAt = undefined;
    this.#keepAt = now + this.#keepMs;
    this.#keepMs = Math.min(MOST_KEEP_MS, this.#keepMs * 2);
    if (built.record === undefined) return;
    built.record.order = this.#order++;
    this.#sent.push(built.record);
    this.#inFlightBytes += built.record.sizeBytes;
    this.#tokens -= built.record.sizeBytes;
    this.#lastSentAt = now;
    if (this.#probes > 0) this.#probes--;
  }

  onConfirmed(record: PacketRecord, wasInFlight: boolean, now: number): void {
    const { order } = record;
    if (wasInFlight) this.#inFlightBytes -= record.sizeBytes;
    this.#probeCount = 0;
    if (order === undefined) return;
    const sample = now - record.sentAt;
    if (!wasInFlight) {
      // Given up too early: reordering is worse than assumed.
      this.#reordering = Math.min(MOST_REORDERING, Math.max(this.#reordering, this.#largest - order + 1));
      this.#timeFactor = Math.min(MOST_TIME_FACTOR, this.#timeFactor * 1.25);
    }
    if (order > this.#largest) {
      this.#largest = order;
      this.rtt.add(sample, now);
    }
    const round = this.rate.delivered(record.sizeBytes, record.sentAt, sample, now);
    if (round !== undefined) {
      this.control.onRound(round, this.rtt.minMs, this.rate.best, this.options.maxRequestBytes);
    }
    // Losses are found once all confirmations of a packet are in.
    this.#lossAt = Math.min(this.#lossAt ?? now, now);
  }

  onLost(record: PacketRecord): void {
    this.#inFlightBytes -= record.sizeBytes;
  }

  /** To be called when `lossAt` is reached. */
  onTimeout(now: number): void {
    if (this.#lossAt !== undefined && this.#lossAt <= now) this.#findLost(now);
    if (this.#lossAt !== undefined) return;
    const at = this.lossAt;
    if (at === undefined || at > now) return;
    this.#probeCount++;
    this.#probes = PROBES;
    this.#lastSentAt = now;
    this.#prune();
    const oldest = this.#sent.filter(({ state }) => state === 'flight').slice(0, PROBES);
    for (const record of oldest) this.#lose(record);
  }

  /** The path is gone: nothing in flight is expected any more. */
  close(): void {
    for (const record of this.#sent) if (record.state === 'flight') this.#lose(record);
    this.#sent = [];
  }

  /** Forgets all packets; their records are gone. */
  clear(): void {
    this.#sent = [];
    this.#inFlightBytes = 0;
    this.#lossAt = undefined;
  }

  #findLost(now: number): void {
    this.#lossAt = undefined;
    const wait = this.#timeFactor * Math.max(this.rtt.smoothedMs, this.rtt.latestMs, 1);
    const lost: PacketRecord[] = [];
    for (const record of this.#sent) {
      const order = record.order!;
      if (order >= this.#largest) break;
      if (record.state !== 'flight') continue;
      const overtaken = !this.options.ordered && this.#largest - order >= this.#reordering;
      if (overtaken || record.sentAt + wait <= now) lost.push(record);
      else this.#lossAt = Math.min(this.#lossAt ?? Number.POSITIVE_INFINITY, record.sentAt + wait);
    }
    for (const record of lost) this.#lose(record);
    this.#prune();
  }

  #prune(): void {
    let done = 0;
    while (done < this.#sent.length && this.#sent[done]!.state === 'done') done++;
    if (done > 32 || done === this.#sent.length) this.#sent.splice(0, done);
    if (this.#sent.length > 2 * MOST_SLOTS) this.#sent = this.#sent.filter(({ state }) => state !== 'done');
  }
}

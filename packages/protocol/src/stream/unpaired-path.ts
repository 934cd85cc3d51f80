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
const ENTRY_BYTES = 48;

interface Sent {
  seq: number;
  record: PacketRecord;
}

/** One way on which packets go without pairs (websocket, UDP): round trips, loss, and what may be in flight. */
export class UnpairedPath {
  readonly id: string;
  readonly options: ResolvedPathOptions;
  readonly rtt: RoundTrip;
  readonly rate = new DeliveryRate();
  readonly control: InFlight;
  readonly #ackDelayMs: number;
  readonly #lose: (record: PacketRecord) => void;
  #sent: Sent[] = [];
  #seq = 0;
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

  /** Another packet may be sent. Notes when only the limit prevents it. */
  canSend(): boolean {
    if (this.#probes > 0) return true;
    if (this.#inFlightBytes < this.control.limit * this.options.maxRequestBytes) return true;
    this.rate.noteLimited();
    return false;
  }

  /** A packet that obliges an answer arrived. */
  owe(now: number): void {
    this.#owed++;
    const at = this.#owed >= 2 && !this.options.ordered ? now : now + this.#ackDelayMs;
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
    this.#sent.push({ seq: this.#seq++, record: built.record });
    this.#inFlightBytes += built.record.sizeBytes;
    this.#lastSentAt = now;
    if (this.#probes > 0) this.#probes--;
  }

  onConfirmed(record: PacketRecord, wasInFlight: boolean, now: number): void {
    const seq = this.#seqOf(record);
    if (wasInFlight) this.#inFlightBytes -= record.sizeBytes;
    this.#probeCount = 0;
    if (seq === undefined) return;
    const sample = now - record.sentAt;
    if (!wasInFlight) {
      // Given up too early: reordering is worse than assumed.
      this.#reordering = Math.min(MOST_REORDERING, Math.max(this.#reordering, this.#largest - seq + 1));
      this.#timeFactor = Math.min(MOST_TIME_FACTOR, this.#timeFactor * 1.25);
    }
    if (seq > this.#largest) {
      this.#largest = seq;
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
    const oldest = this.#sent.filter(({ record }) => record.state === 'flight').slice(0, PROBES);
    for (const { record } of oldest) this.#lose(record);
  }

  /** The path is gone: nothing in flight is expected any more. */
  close(): void {
    for (const { record } of this.#sent) if (record.state === 'flight') this.#lose(record);
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
    for (const { seq, record } of this.#sent) {
      if (seq >= this.#largest) break;
      if (record.state !== 'flight') continue;
      const overtaken = !this.options.ordered && this.#largest - seq >= this.#reordering;
      if (overtaken || record.sentAt + wait <= now) lost.push(record);
      else this.#lossAt = Math.min(this.#lossAt ?? Number.POSITIVE_INFINITY, record.sentAt + wait);
    }
    for (const record of lost) this.#lose(record);
    this.#prune();
  }

  #prune(): void {
    let done = 0;
    while (done < this.#sent.length && this.#sent[done]!.record.state === 'done') done++;
    if (done > 32 || done === this.#sent.length) this.#sent.splice(0, done);
    if (this.#sent.length > 2 * MOST_SLOTS) this.#sent = this.#sent.filter(({ record }) => record.state !== 'done');
  }

  #seqOf(record: PacketRecord): number | undefined {
    let low = 0;
    let high = this.#sent.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = this.#sent[middle]!;
      if (entry.record.n === record.n) return entry.seq;
      if (entry.record.n < record.n) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

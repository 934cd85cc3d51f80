import { ParityController, type Fec } from '../fec/index.js';
import { toUs } from './arrivals.js';
import { Congestion } from './congestion.js';
import { DatagramQueue } from './datagram-queue.js';
import { Earliest } from './earliest.js';
import { EventSender } from './event-sender.js';
import { FrameQueue, type FrameOptions } from './frame-queue.js';
import { FrameTail } from './frame-tail.js';
import { OVERHEAD_BYTES } from './header.js';
import { ITEM_BYTES, TIME_BYTES } from './items.js';
import type { ResolvedOptions } from './options.js';
import { Pacer } from './pacer.js';
import { PathMtu } from './path-mtu.js';
import type { Report } from './report.js';
import { RoundTrip } from './round-trip.js';
import { SlabPool } from './slab-pool.js';
import type { SessionStats } from './stats.js';

/** Packets under way whose sizes are remembered. A window of more than these is not used. */
const REMEMBERED = 2 ** 17;
/** Frames further apart than this do not say over which time one may be spread, ms. */
const MAX_FRAME_INTERVAL_MS = 100;
/** A peer that owes a report is asked for it after the late round trip and this, ms: the longest time between reports. */
const REPORT_PATIENCE_MS = 50;

/** All that has to do with sending: what waits, how fast it may leave, what the peer said about it. */
export class SendSide {
  readonly roundTrip = new RoundTrip();
  readonly congestion: Congestion;
  readonly pacer: Pacer;
  readonly parity: ParityController;
  readonly frames: FrameQueue;
  readonly tail: FrameTail;
  readonly events: EventSender;
  readonly datagrams: DatagramQueue;
  mtu: PathMtu;
  /** The number of the next packet. */
  next = 0;
  readonly #options: ResolvedOptions;
  readonly #pool: SlabPool;
  readonly #sentBytes = new Float64Array(REMEMBERED);
  #totalBytes = 0;
  #report: Report | undefined;
  #reportAt = 0;
  #probes = 0;
  /** When the first packet after the report that wants an answer was sent. */
  #unansweredSince: number | undefined;
  /** When the peer has to be asked for a report, Infinity while nothing is unanswered. Kept, since it is looked at for each batch. */
  #probeAt = Number.POSITIVE_INFINITY;
  #newestEliciting = -1;
  #appLimitedUpTo = -1;
  /** No packet from this number on is missing, as far as the peer has reported. */
  #wholeFrom = 0;
  #frameAt: number | undefined;
  #frameIntervalMs: number | undefined;
  #spreadRate = Number.POSITIVE_INFINITY;
  readonly #small = new Earliest();

  constructor(options: ResolvedOptions, fec: Fec, stats: SessionStats) {
    this.#options = options;
    this.#pool = new SlabPool(options.maxSendBytes);
    this.congestion = new Congestion(options.maxRate / 8000);
    this.pacer = new Pacer(2 * options.maxPacketBytes);
    this.parity = new ParityController({
      floor: options.parityFloor,
      ceiling: options.parityCeiling,
      residual: 1e-4,
    });
    this.frames = new FrameQueue(options, fec, this.#pool, this.parity, stats);
    this.tail = new FrameTail(this.frames, this.roundTrip);
    this.events = new EventSender(this.roundTrip, stats);
    this.datagrams = new DatagramQueue(stats);
    this.mtu = new PathMtu(options.maxPacketBytes);
  }

  /** The last report of the peer. */
  get report(): Report | undefined {
    return this.#report;
  }

  /** Memory of frames, in use or kept for the next ones. */
  get heldBytes(): number {
    return this.#pool.heldBytes;
  }

  /** Bytes of a shard that a packet of the present size bears. */
  get maxShardBytes(): number {
    return this.mtu.bytes - OVERHEAD_BYTES - TIME_BYTES - ITEM_BYTES.shard;
  }

  get roundTripMs(): number {
    return this.roundTrip.smoothedMs;
  }

  get maxDatagramBytes(): number {
    return this.mtu.bytes - OVERHEAD_BYTES - TIME_BYTES - ITEM_BYTES.datagram;
  }

  /** How often a small message is repeated ahead of any loss. */
  get copies(): number {
    return this.parity.copies;
  }

  /** How fast is sent now, bytes per ms. */
  get rate(): number {
    return Math.min(this.#pathRate, this.#spreadRate);
  }

  /** Bytes of UDP payload that are under way, as far as the peer has reported. */
  get inFlightBytes(): number {
    const reported = this.#report?.largest ?? -1;
    if (this.next - reported > REMEMBERED) return Number.POSITIVE_INFINITY;
    return this.#totalBytes - (reported < 0 ? 0 : this.#sentBytes[reported % REMEMBERED]!);
  }

  get windowOpen(): boolean {
    const { paced, fixedRate } = this.#options;
    return !paced || fixedRate !== undefined || this.inFlightBytes < this.congestion.windowBytes;
  }

  submitFrame(bytes: Uint8Array, options: FrameOptions, now: number): number {
    const index = this.frames.submit(bytes, options, this, now);
    if (this.#frameAt !== undefined && now > this.#frameAt) {
      const interval = Math.min(MAX_FRAME_INTERVAL_MS, now - this.#frameAt);
      const before = this.#frameIntervalMs ?? interval;
      this.#frameIntervalMs = before + (interval - before) / 8;
    }
    this.#frameAt = now;
    const spreadMs = (this.#frameIntervalMs ?? 0) * this.#options.spread;
    // What is in the packets beside the shards is sent at the same pace.
    const bytesOnWire = this.frames.pendingBytes * 1.05 + 2 * this.mtu.bytes;
    this.#spreadRate = spreadMs > 0 ? bytesOnWire / spreadMs : Number.POSITIVE_INFINITY;
    return index;
  }

  /** Whether there is room again for what was refused; says so once. */
  takeWritable(): boolean {
    const frames = this.frames.takeWritable();
    return this.events.takeWritable() || frames;
  }

  /** Packet `next` was sent. */
  sent(bytes: number, eliciting: boolean, now: number): void {
    this.#totalBytes += bytes;
    this.#sentBytes[this.next % REMEMBERED] = this.#totalBytes;
    if (eliciting) {
      this.#newestEliciting = this.next;
      if (this.#unansweredSince === undefined) this.#awaitReport(now);
    }
    this.mtu.sent(bytes, this.next++);
  }

  /** All that could be sent was sent: what is under way does not show what the path bears. */
  ranDry(): void {
    this.#appLimitedUpTo = this.next - 1;
  }

  /** Whether the rate is that of the frames, not that of the path. */
  get spreads(): boolean {
    return this.#spreadRate < this.#pathRate;
  }

  /** Adds when something is to be sent. */
  addTimes(earliest: Earliest, now: number): void {
    this.mtu.addTime(earliest, now);
    this.tail.addTime(earliest);
    const { pacer, frames, events, datagrams } = this;
    const frame = frames.next();
    if (frame === undefined && events.isEmpty && datagrams.isEmpty) return;
    if (frame === undefined && pacer.mayBorrow) {
      events.addTime(earliest);
      datagrams.addTime(earliest);
      return;
    }
    const readyAt = pacer.readyAt(this.rate, now);
    if (frame !== undefined) earliest.add(this.windowOpen ? Math.min(readyAt, frame.deadlineAt) : frame.deadlineAt);
    const small = this.#small;
    small.at = Number.POSITIVE_INFINITY;
    events.addTime(small);
    datagrams.addTime(small);
    // What is due leaves once the bucket bears it.
    earliest.add(pacer.mayBorrow ? small.at : Math.max(small.at, readyAt));
  }

  /** Whether the peer has to be asked for a report. */
  isProbeDue(now: number): boolean {
    return this.#probeAt <= now;
  }

  /** Adds when the peer has to be asked for a report. */
  addProbeTime(earliest: Earliest): void {
    earliest.add(this.#probeAt);
  }

  /** The peer was asked for a report. */
  probed(now: number): void {
    this.#probes++;
    this.#awaitReport(now);
  }

  /** A report of the peer. False when it speaks of what was never sent. */
  onReport(report: Report, now: number): boolean {
    if (report.largest >= this.next) return false;
    const before = this.#report;
    if (before !== undefined && report.received <= before.received) return true;
    const roundTripMs = ((toUs(now) - report.echoUs) >>> 0) / 1000 - report.heldUs / 1000;
    if (roundTripMs >= 0 && roundTripMs < 60_000) this.roundTrip.add(roundTripMs, now);
    this.#report = report;
    this.#reportAt = now;
    this.#probes = 0;
    this.#awaitReport(report.largest >= this.#newestEliciting ? undefined : now);
    this.#forgetArrived(report, before);
    // Less than 0 when packets came that were taken for lost; each of them was received since.
    const received = report.received - (before?.received ?? 0);
    const lost = Math.max(-received, report.lost - (before?.lost ?? 0));
    const packets = received + lost;
    const bursts = Math.max(0, report.bursts - (before?.bursts ?? 0));
    const bytes = report.receivedBytes - (before?.receivedBytes ?? 0);
    const sentMs = before === undefined ? 0 : ((report.echoUs - before.echoUs) | 0) / 1000;
    this.congestion.onReport({
      rate: report.rate,
      sentRate: sentMs > 0 ? bytes / sentMs : Number.POSITIVE_INFINITY,
      bytes,
      packets,
      lost,
      queueMs: report.queueUs / 1000,
      smoothedMs: this.roundTrip.smoothedMs,
      leastMs: this.roundTrip.leastMs,
      appLimited: report.largest <= this.#appLimitedUpTo,
      now,
    });
    this.parity.report(packets, lost, bursts, this.congestion.queued, now);
    if (!this.mtu.reported(report.largestBytes, report.largest)) return true;
    // Packets of that size never arrive, however slowly they are sent, and however many there are.
    this.congestion.forgive();
    this.parity.forgive();
    return true;
  }

  /** The path is another one: what was measured on the old one is worth nothing. */
  newPath(): void {
    this.congestion.reset();
    this.roundTrip.measured = false;
    this.mtu = new PathMtu(this.#options.maxPacketBytes);
  }

  /** While nothing is missing, what was sent arrived: frames need not be kept in case that they are asked for. */
  #forgetArrived(report: Report, before: Report | undefined): void {
    // What was lost lies before what is sent next. What is only late so far is known of with a later report.
    if (report.lost !== (before?.lost ?? 0)) this.#wholeFrom = this.next;
    else if (report.received + report.lost === report.largest + 1) {
      this.tail.arrived(this.#wholeFrom, report.largest);
      this.frames.arrived(this.#wholeFrom, report.largest);
    }
  }

  #awaitReport(since: number | undefined): void {
    this.#unansweredSince = since;
    const patience = (this.roundTrip.lateMs + REPORT_PATIENCE_MS) * 2 ** Math.min(5, Math.max(0, this.#probes - 2));
    this.#probeAt = since === undefined ? Number.POSITIVE_INFINITY : Math.max(since, this.#reportAt) + patience;
  }

  get #pathRate(): number {
    const { paced, fixedRate, maxRate } = this.#options;
    if (!paced) return Number.POSITIVE_INFINITY;
    return fixedRate === undefined ? this.congestion.pacingRate : Math.min(fixedRate, maxRate) / 8000;
  }
}

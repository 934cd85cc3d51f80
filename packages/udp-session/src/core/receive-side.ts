import type { Fec } from '../fec/index.js';
import { Arrivals } from './arrivals.js';
import { readU16, readU32 } from './bytes.js';
import type { Earliest } from './earliest.js';
import { EventReceiver, type PeerEvent } from './event-receiver.js';
import { FrameAssembler } from './frame-assembler.js';
import { ACK_DELAY_MS } from './event-sender.js';
import { ITEM_BYTES } from './items.js';
import type { ResolvedOptions } from './options.js';
import { ReplayWindow } from './replay-window.js';
import type { Report } from './report.js';
import type { RoundTrip } from './round-trip.js';
import { SlabPool } from './slab-pool.js';
import type { SessionStats } from './stats.js';
import { WantList, type Want } from './want-list.js';

/** Most frames of which shards are asked for at a time. */
const MAX_WANTS = 32;
/** The replay window spans the packets of this long, at the rate at which they come. */
const WINDOW_MS = 500;

/** All that has to do with receiving: what came, what is missing, what the peer has to be told. */
export class ReceiveSide {
  readonly window = new ReplayWindow();
  readonly arrivals: Arrivals;
  readonly frames: FrameAssembler;
  readonly events = new EventReceiver();
  readonly wants: Want[] = [];
  readonly mtuAcks: number[] = [];
  /** When a report, and an ack of events, have to be sent at the latest. */
  reportAt: number | undefined;
  ackAt: number | undefined;
  readonly #options: ResolvedOptions;
  readonly #stats: SessionStats;
  readonly #pool: SlabPool;
  readonly #wantList: WantList;
  readonly #datagrams = new ReplayWindow();
  /** Used again for each packet. */
  readonly #shape = { bytes: 0, shardBytes: 0, blocks: 0, depth: 0, parity: 0 };
  #reportedPackets = 0;
  #reportedAt = 0;

  constructor(options: ResolvedOptions, fec: Fec, roundTrip: RoundTrip, stats: SessionStats) {
    this.#options = options;
    this.#stats = stats;
    this.#pool = new SlabPool(options.maxReceiveBytes);
    this.arrivals = new Arrivals(this.window, options.reorderMs);
    this.frames = new FrameAssembler(
      { maxFrameBytes: options.maxFrameBytes, maxFrames: options.maxFrames, maxAgeMs: options.maxFrameAgeMs },
      fec,
      this.#pool,
      stats,
    );
    this.#wantList = new WantList(this.frames, this.arrivals, roundTrip, options.retransmit ? MAX_WANTS : 0);
  }

  /** Memory of frames, in use or kept for the next ones. */
  get heldBytes(): number {
    return this.#pool.heldBytes;
  }

  /** An authentic packet that was not there before. */
  packet(number: number, bytes: number, sentUs: number): void {
    const largest = this.window.largest;
    this.arrivals.beforeCommit(number);
    this.window.commit(number);
    this.arrivals.add(number, bytes, sentUs, largest);
    this.#stats.packetsReceived++;
    this.#stats.bytesReceived += bytes;
  }

  /** The packet wants an answer. */
  owe(now: number): void {
    this.reportAt ??= now + this.#options.reportMs;
  }

  /** A shard item, which ends at `end`. */
  shard(slab: Uint8Array, at: number, end: number, now: number): boolean {
    const body = at + ITEM_BYTES.shard;
    const shape = this.#shape;
    shape.bytes = readU32(slab, at + 5);
    shape.shardBytes = end - body;
    shape.blocks = slab[at + 11]!;
    shape.depth = slab[at + 12]!;
    shape.parity = slab[at + 13]!;
    const index = readU32(slab, at + 1);
    const deadlineMs = readU16(slab, at + 15);
    if (slab[at + 14] !== 0 || !this.frames.add(index, shape, readU16(slab, at + 9), deadlineMs, slab, body, now))
      return false;
    this.#wantList.seen(index, deadlineMs, now);
    return true;
  }

  event(id: number, bytes: Uint8Array, isInput: boolean, now: number, give: (event: PeerEvent) => void): boolean {
    this.ackAt ??= now + ACK_DELAY_MS;
    return this.events.add(id, bytes, isInput, give);
  }

  /** Whether a datagram is here for the first time. */
  isNewDatagram(id: number): boolean {
    return this.#datagrams.commit(id);
  }

  mtuProbe(bytes: number): void {
    if (this.mtuAcks.length < 4) this.mtuAcks.push(bytes);
  }

  /** The report that is to be sent now. */
  takeReport(now: number): Report {
    this.reportAt = undefined;
    const report = this.arrivals.take(now);
    const perMs = (report.received - this.#reportedPackets) / Math.max(1, now - this.#reportedAt);
    this.window.widen(perMs * WINDOW_MS);
    this.#reportedPackets = report.received;
    this.#reportedAt = now;
    this.#count();
    return report;
  }

  handleTimeout(now: number): void {
    this.arrivals.decide(now);
    this.frames.expire(now);
    this.#wantList.collect(this.wants, now);
    this.#count();
  }

  /** Adds when `handleTimeout` has something to do next, or something has to be sent. */
  addTimes(earliest: Earliest, now: number): void {
    earliest.add(this.reportAt);
    earliest.add(this.ackAt);
    this.arrivals.addTime(earliest);
    this.frames.addTime(earliest);
    this.#wantList.addTimes(earliest, now);
  }

  #count(): void {
    this.#stats.packetsLost = this.arrivals.lost;
    this.#stats.packetsLate = this.arrivals.late;
  }
}

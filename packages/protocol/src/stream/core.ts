import { Deadlines } from './deadlines.js';
import { EventQueue, type StreamEngineEvent } from './events.js';
import { buildPacket, type BuiltPacket, type PacketHead } from './packet-builder.js';
import { PacketRecords, type PacketRecord } from './packet-records.js';
import { PacketWindow } from './packet-window.js';
import type { PacketValue, SegmentValue } from './packet.js';
import { Scheduler } from './scheduler.js';
import { readSegment } from './segment-reader.js';
import type { Stream, StreamShares } from './stream.js';
import { Sustained } from './sustained.js';
import type { UnpairedPath } from './unpaired-path.js';

/** Bytes that a stuck sender sends again when nothing else tells it what is missing. */
const RESEND_BYTES = 65_536;
/** Resets for streams that are not known here, waiting to be told. More are dropped: the peer will ask again. */
const MAX_STRAYS = 256;
/** What an application that waits for room will write by the time that more is asked for, in its present room. */
const HUNGRY_FACTOR = 32;
/** What a deadline, a stray reset or a remembered range costs. */
export const ENTRY_COST_BYTES = 96;

/**
 * What both ends share inside: streams, records of own packets, the window of the peer's, what is pending, and who waits
 * for what. The calls of the application stand in `StreamEngine`.
 */
export abstract class StreamCore {
  protected readonly cid: Uint8Array;
  protected readonly shares: StreamShares;
  protected readonly streams = new Map<number, Stream>();
  protected readonly scheduler = new Scheduler();
  protected readonly records: PacketRecords;
  protected readonly paths = new Map<string, UnpairedPath>();
  protected readonly strays = new Map<number, string>();
  protected window: PacketWindow;
  protected now = 0;
  /** When bulk bytes, and bare acks, began to wait. */
  protected bulkSince = 0;
  protected alongSince = 0;
  protected readonly sent = new Sustained();
  protected readonly events = new EventQueue();
  protected readonly stuck = new Deadlines<Stream>();
  readonly #unsettled = new Set<Stream>();
  /** Streams whose application has more to write than there is room for. */
  protected readonly hungry = new Set<Stream>();
  /** Number of the next packet. */
  protected nextNumber = 0;
  #liveCount = 0;

  constructor(cid: Uint8Array, shares: StreamShares) {
    this.cid = cid;
    this.shares = shares;
    this.window = new PacketWindow(shares.options.maxSeenRanges);
    this.records = new PacketRecords(shares.options.maxRecords, shares.options.maxRecordItems, {
      confirmed: (record, wasInFlight) => this.onConfirmed(record, wasInFlight),
      lost: (record) => this.onLost(record),
    });
  }

  /** Streams and flows that the application uses. */
  get liveStreams(): number {
    return this.#liveCount;
  }

  /** Usual round trip to the peer, ms. */
  protected abstract get roundTripMs(): number;
  /** The epoch that packets of this end show. */
  protected abstract get shownEpoch(): Uint8Array | undefined;
  /** The stream of a segment, opened where that is due; undefined where the segment is to be ignored. */
  protected abstract streamFor(segment: SegmentValue): Stream | undefined;
  /** A stream is gone for good. */
  protected abstract onGone(stream: Stream): void;
  /** Bytes of a stream were written here, or arrived. */
  protected abstract onMoved(stream: Stream, bytes: number): void;

  /** Registers a stream that was just opened. */
  protected addStream(stream: Stream): void {
    this.streams.set(stream.sid, stream);
    this.#liveCount++;
    this.touch(stream);
  }

  protected tick(now: number): void {
    if (now > this.now) this.now = now;
  }

  protected push(event: StreamEngineEvent): void {
    this.events.push(event);
  }

  /** The earliest moment at which a stuck sender asks. */
  protected get askAt(): number | undefined {
    return this.stuck.earliest;
  }

  /** Senders that were stuck for one timer ask, or send their oldest bytes again (R6). */
  protected askDue(now: number): void {
    for (const stream of this.stuck.takeDue(now)) {
      stream.asked++;
      const { acked, sent } = stream.send;
      if (acked < sent) stream.send.lose(acked, Math.min(sent, acked + RESEND_BYTES));
      else stream.needsAsk = true;
      this.touch(stream);
    }
  }

  /**
   * Keeps no view of any packet that was taken so far: what of it was not read yet is copied, where it is only a part of
   * larger memory. Each packet does so with those before it.
   */
  settle(): void {
    for (const stream of this.#unsettled) stream.receive.settle();
    this.#unsettled.clear();
  }

  /** Takes what a valid packet says, once its epoch is known to be right. */
  protected accept(packet: PacketValue): void {
    this.settle();
    this.window.add(packet.n);
    for (const segment of packet.segments ?? []) {
      const stream = this.streamFor(segment);
      if (stream === undefined) continue;
      readSegment(stream, segment, this.now, this.events);
      if (segment.d !== undefined) {
        this.#unsettled.add(stream);
        if (stream.life === 'live') stream.credit.received(stream.receive.next, this.now, this.roundTripMs);
        this.onMoved(stream, segment.d.length);
      }
      this.touch(stream);
    }
    for (const { from, to } of packet.got ?? []) this.records.confirmRange(from, to);
  }

  /** A stream that is not known here is told so, if the segment wants something of it. */
  protected stray(segment: SegmentValue, code: string): void {
    if (segment.rst !== undefined || this.strays.size >= MAX_STRAYS) return;
    if (segment.open !== undefined || segment.opened !== undefined || segment.off !== undefined) {
      this.strays.set(segment.sid, code);
    }
  }

  /** Something should leave at once. */
  protected get urgent(): boolean {
    return this.scheduler.urgent || this.strays.size > 0;
  }

  /** Something small should leave at once, whatever bulk has to wait for. */
  protected get presses(): boolean {
    return this.scheduler.presses || this.strays.size > 0;
  }

  /** Makes the next packet, at most `maxBytes` encoded, and remembers what it carried. */
  protected build(maxBytes: number, head: PacketHead): BuiltPacket {
    const { options } = this.shares;
    const { bulkBytes } = this.scheduler;
    const built = buildPacket({
      n: this.nextNumber++,
      cid: this.cid,
      epoch: this.shownEpoch,
      now: this.now,
      maxBytes,
      head,
      options,
      window: this.window,
      scheduler: this.scheduler,
      strays: this.strays,
      touch: (stream) => this.touch(stream),
    });
    // What is left came later than what was taken.
    if (this.scheduler.bulkBytes < bulkBytes) this.bulkSince = this.now;
    if (built.record !== undefined) {
      this.records.add(built.record);
      this.sent.add(built.sizeBytes, this.now);
    }
    if (head.path !== undefined) this.paths.get(head.path)?.onSent(built, this.now);
    return built;
  }

  protected onConfirmed(record: PacketRecord, wasInFlight: boolean): void {
    if (record.path !== undefined) this.paths.get(record.path)?.onConfirmed(record, wasInFlight, this.now);
    for (const item of record.items) {
      item.stream.confirm(item, wasInFlight);
      this.touch(item.stream);
    }
  }

  protected onLost(record: PacketRecord): void {
    if (record.path !== undefined) this.paths.get(record.path)?.onLost(record);
    for (const item of record.items) {
      item.stream.lose(item);
      this.touch(item.stream);
    }
  }

  /** To be called whenever anything of a stream changed: follows its states, and puts it where it belongs. */
  protected touch(stream: Stream): void {
    const { now } = this;
    if (this.streams.get(stream.sid) !== stream) return;
    stream.advance();
    if (stream.settled) stream.step('confirmed');
    this.#tell(stream);
    if (stream.life === 'live' && stream.flow === undefined && !stream.receive.sized) {
      const due = stream.credit.due(stream.receive.next, this.roundTripMs);
      if (due !== 'no') stream.needsCredit = true;
      if (due === 'now') stream.owesAnswer = true;
    }
    if (stream.isHungry || stream.send.end > stream.peerLimit) this.hungry.add(stream);
    const { bulkBytes, hasAlong } = this.scheduler;
    this.scheduler.update(stream);
    if (bulkBytes === 0 && this.scheduler.bulkBytes > 0) this.bulkSince = now;
    if (!hasAlong && this.scheduler.hasAlong) this.alongSince = now;
    if (!stream.stuck) this.stuck.delete(stream);
    else if (!this.stuck.has(stream)) this.stuck.set(stream, this.#askTime(stream));
    if (stream.life === 'closed') {
      this.streams.delete(stream.sid);
      this.#unsettled.delete(stream);
      this.hungry.delete(stream);
      this.onGone(stream);
    }
  }

  /** Bytes that wait here, with those that will follow at once as room for them comes. */
  protected get waitingBytes(): number {
    let bytes = this.scheduler.waitingBytes;
    for (const stream of this.hungry) {
      const { send, peerLimit } = stream;
      const unacknowledged = Math.max(0, send.sent - send.acked);
      const beyond = send.end - Math.max(send.sent, peerLimit);
      if (stream.life === 'live' && stream.isHungry) bytes += HUNGRY_FACTOR * unacknowledged;
      // What is under way earns as much credit when it is used up.
      else if (stream.life === 'live' && beyond > 0) bytes += Math.min(beyond, unacknowledged);
      else this.hungry.delete(stream);
    }
    return Math.max(0, bytes);
  }

  /** Tells the application of what it waits for. */
  #tell(stream: Stream): void {
    if (stream.wantsRoom && stream.life === 'live' && stream.roomBytes > 0) {
      const least = this.shares.options.sendFloorBytes / 2;
      if (stream.roomBytes >= least || stream.send.pinnedBytes === 0) {
        stream.wantsRoom = false;
        this.events.push({ type: 'writable', sid: stream.sid });
      }
    }
    if (stream.sendState === 'finished' && !stream.toldFinished) {
      stream.toldFinished = true;
      this.events.push({ type: 'finished', sid: stream.sid });
    }
    if (stream.life === 'live' || stream.toldClosed) return;
    stream.toldClosed = true;
    this.#liveCount--;
    if (stream.sendState === 'finished' && stream.receiveState === 'ended') {
      this.events.push({ type: 'closed', sid: stream.sid });
    }
  }

  /** Times of questions are rounded, so that many stuck streams ask together, in one packet. */
  #askTime(stream: Stream): number {
    const { minAskMs, maxAskMs } = this.shares.options;
    const wait = Math.min(maxAskMs, Math.max(minAskMs, 4 * this.roundTripMs) * 2 ** Math.min(stream.asked, 16));
    const step = 2 ** Math.floor(Math.log2(Math.max(1, wait / 2)));
    return Math.ceil((this.now + wait) / step) * step;
  }
}

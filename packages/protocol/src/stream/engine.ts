import { Deadlines } from './deadlines.js';
import { EVENT_COST_BYTES, EventQueue, type StreamEngineEvent } from './events.js';
import { buildPacket, type BuiltPacket, type PacketHead } from './packet-builder.js';
import { PacketRecords, type PacketRecord } from './packet-records.js';
import { PacketWindow } from './packet-window.js';
import type { PacketValue, SegmentDatagramValue, SegmentValue } from './packet.js';
import { Scheduler } from './scheduler.js';
import { readSegment } from './segment-reader.js';
import type { Life, ReceiveState, SendState } from './states.js';
import type { Stream, StreamShares } from './stream.js';
import type { UnpairedPath } from './unpaired-path.js';

/** Bytes that a stuck sender sends again when nothing else tells it what is missing. */
const RESEND_BYTES = 65_536;
/** Resets for streams that are not known here, waiting to be told. More are dropped: the peer will ask again. */
const MAX_STRAYS = 256;
/** What a deadline, a stray reset or a remembered range costs. */
export const ENTRY_COST_BYTES = 96;

/** One stream at one end, for diagnosis. */
export interface StreamSummary {
  sid: number;
  kind: number;
  life: Life;
  send: SendState;
  receive: ReceiveState;
  /** Client: the node is known to have seen the open. Node: the dial has ended. */
  opened: boolean;
  /** It waits for the peer's word. */
  stuck: boolean;
  unacknowledgedBytes: number;
  waitingBytes: number;
  unreadBytes: number;
}

/**
 * What both ends share: streams, records of own packets, the window of the peer's, and the calls of the application.
 *
 * No clock, no randomness, no I/O. `now` is in ms and must not go back. After any call that takes `now`, and after
 * `read`, poll again: `pollEvent` until it gives undefined, `pollTransmit` until it gives undefined, then `pollTimeout`.
 */
export abstract class StreamEngine {
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
  readonly #events = new EventQueue();
  readonly #stuck = new Deadlines<Stream>();
  readonly #unsettled = new Set<Stream>();
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

  /** What happened, oldest first; undefined when nothing more did. */
  pollEvent(): StreamEngineEvent | undefined {
    return this.#events.shift();
  }

  /**
   * Takes bytes to send; gives how many were taken, from the front. Fewer than given: a `writable` event follows when
   * there is room. The engine keeps a view: the bytes must not be changed afterwards. 0 for a stream that is gone.
   */
  write(sid: number, bytes: Uint8Array, now: number): number {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.send.finished || stream.flow !== undefined) return 0;
    const taken = Math.min(bytes.length, stream.room.roomBytes);
    if (taken > 0) stream.send.write(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    stream.room.update(stream.send.pinnedBytes);
    stream.wantsRoom = taken < bytes.length;
    this.touch(stream);
    return taken;
  }

  /** The stream ends after what was written: the half-close. */
  finish(sid: number, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.flow !== undefined) return;
    stream.send.finish();
    this.touch(stream);
  }

  /** Cuts a stream or flow, both directions. The peer hears `code`; no further event of it comes here. */
  reset(sid: number, code: string, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream === undefined) return;
    stream.resetCode = code;
    stream.step('localReset');
    if (stream.isClient && !stream.sentAnything) stream.step('confirmed');
    this.touch(stream);
  }

  /**
   * The next bytes in order, at most `max`, as a view; undefined: none now, a `readable` event follows; null: the
   * peer ended cleanly, all was read. What was read counts as held until `consume`.
   */
  read(sid: number, max = Number.MAX_SAFE_INTEGER): Uint8Array | undefined | null {
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live') return undefined;
    const bytes = stream.receive.read(max);
    if (bytes !== undefined) return bytes;
    stream.toldReadable = false;
    if (!stream.receive.ended) return undefined;
    stream.sawEnd = true;
    this.touch(stream);
    return null;
  }

  /** The application is done with `bytes` more of what it read: the peer may send as much more. */
  consume(sid: number, bytes: number, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream === undefined || (stream.life !== 'live' && stream.life !== 'lingering')) return;
    const before = stream.receive.consumed;
    stream.receive.consume(bytes);
    if (stream.life === 'live') stream.credit.consume(stream.receive.consumed - before, now, this.roundTripMs);
    this.touch(stream);
  }

  /** Queues a datagram of a flow. It may be dropped: the oldest when the queue is full, any when it is too old. */
  sendDatagram(sid: number, datagram: Omit<SegmentDatagramValue, 'n'>, now: number): void {
    this.tick(now);
    const stream = this.streams.get(sid);
    if (stream?.life !== 'live' || stream.flow === undefined) return;
    stream.flow.send(datagram, now);
    this.touch(stream);
  }

  /** The oldest datagram that arrived on a flow. */
  readDatagram(sid: number): SegmentDatagramValue | undefined {
    const incoming = this.streams.get(sid)?.flow?.incoming;
    return incoming?.peek(this.now) === undefined ? undefined : incoming.shift();
  }

  /** Datagrams of a flow that were dropped here, both directions. */
  droppedDatagrams(sid: number): number {
    const flow = this.streams.get(sid)?.flow;
    return flow === undefined ? 0 : flow.outgoing.dropped + flow.incoming.dropped;
  }

  /** Streams as they are now, for diagnosis. */
  inspect(): StreamSummary[] {
    return [...this.streams.values()].map((stream) => ({
      sid: stream.sid,
      kind: stream.target.kind,
      life: stream.life,
      send: stream.sendState,
      receive: stream.receiveState,
      opened: stream.isClient ? stream.openConfirmed : stream.opened !== undefined,
      stuck: stream.stuck,
      unacknowledgedBytes: stream.send.sent - stream.send.acked,
      waitingBytes: Math.max(0, stream.send.end - stream.send.sent),
      unreadBytes: stream.receive.next - stream.receive.consumed,
    }));
  }

  /** Memory that this engine answers for now; `memoryBound` gives the most. */
  bytesHeld(): number {
    let bytes = this.records.heldBytes + this.#events.count * EVENT_COST_BYTES;
    bytes += (this.window.rangeCount + this.strays.size + this.#stuck.count) * ENTRY_COST_BYTES;
    for (const stream of this.streams.values()) bytes += stream.heldBytes;
    for (const path of this.paths.values()) bytes += path.heldBytes;
    return bytes;
  }

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
    this.#events.push(event);
  }

  /** The earliest moment at which a stuck sender asks. */
  protected get askAt(): number | undefined {
    return this.#stuck.earliest;
  }

  /** Senders that were stuck for one timer ask, or send their oldest bytes again (R6). */
  protected askDue(now: number): void {
    for (const stream of this.#stuck.takeDue(now)) {
      stream.asked++;
      const { acked, sent } = stream.send;
      if (acked < sent) stream.send.lose(acked, Math.min(sent, acked + RESEND_BYTES));
      else stream.needsAsk = true;
      this.touch(stream);
    }
  }

  /** Takes what a valid packet says, once its epoch is known to be right. */
  protected accept(packet: PacketValue): void {
    for (const stream of this.#unsettled) stream.receive.settle();
    this.#unsettled.clear();
    this.window.add(packet.n);
    for (const segment of packet.segments ?? []) {
      const stream = this.streamFor(segment);
      if (stream === undefined) continue;
      readSegment(stream, segment, this.now, this.#events);
      if (segment.d !== undefined) this.#unsettled.add(stream);
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

  /** Makes the next packet, at most `maxBytes` encoded, and remembers what it carried. */
  protected build(maxBytes: number, head: PacketHead): BuiltPacket {
    const { options } = this.shares;
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
    if (built.record !== undefined) this.records.add(built.record);
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
      const due = stream.credit.due(stream.receive.next);
      if (due !== 'no') stream.needsCredit = true;
      if (due === 'now') stream.owesAnswer = true;
    }
    const { bulkBytes, hasAlong } = this.scheduler;
    this.scheduler.update(stream);
    if (bulkBytes === 0 && this.scheduler.bulkBytes > 0) this.bulkSince = now;
    if (!hasAlong && this.scheduler.hasAlong) this.alongSince = now;
    if (!stream.stuck) this.#stuck.delete(stream);
    else if (!this.#stuck.has(stream)) this.#stuck.set(stream, this.#askTime(stream));
    if (stream.life === 'closed') {
      this.streams.delete(stream.sid);
      this.#unsettled.delete(stream);
      this.onGone(stream);
    }
  }

  /** Tells the application of what it waits for. */
  #tell(stream: Stream): void {
    if (stream.wantsRoom && stream.life === 'live' && stream.room.roomBytes > 0) {
      const least = this.shares.options.sendFloorBytes / 2;
      if (stream.room.roomBytes >= least || stream.send.pinnedBytes === 0) {
        stream.wantsRoom = false;
        this.#events.push({ type: 'writable', sid: stream.sid });
      }
    }
    if (stream.life === 'live' || stream.toldClosed) return;
    stream.toldClosed = true;
    this.#liveCount--;
    if (stream.sendState === 'finished' && stream.receiveState === 'ended') {
      this.#events.push({ type: 'closed', sid: stream.sid });
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

import type { Budget } from './budget.js';
import { ReceiveCredit } from './credit.js';
import { Flow } from './flow.js';
import type { ResolvedStreamOptions } from './options.js';
import { KIND_FLOW, type SegmentOpenedValue, type SegmentOpenValue } from './packet.js';
import { GAP_COST_BYTES, Reassembly, runsSlackBytes } from './reassembly.js';
import type { ReceiveBudget } from './receive-budget.js';
import { SendBuffer } from './send-buffer.js';
import { SendRoom } from './send-room.js';
import {
  after,
  LIFE_TABLE,
  RECEIVE_TABLE,
  SEND_TABLE,
  type Life,
  type LifeEvent,
  type ReceiveState,
  type SendState,
} from './states.js';

/** What one stream costs beside its buffers: objects, maps, and the lost ranges it may have. */
const STREAM_COST_BYTES = 2048;

/** Bytes at the start of a direction that go before bulk and at once. */
const FIRST_BYTES = 16_384;
/** A stream that has no more than this unacknowledged and to send is interactive: it goes before bulk and at once. */
const SMALL_BYTES = 4096;

/** The part of a packet that one segment was: what its arrival confirms and its loss brings back. -1 is none. */
export interface SentItem {
  readonly stream: Stream;
  readonly open: boolean;
  readonly opened: boolean;
  readonly rst: boolean;
  readonly ask: boolean;
  readonly ack: number;
  readonly credit: number;
  /** Positions of the bytes, the end included; `from === to` is none. */
  readonly from: number;
  readonly to: number;
}

/** What all streams of an engine have in common. */
export interface StreamShares {
  readonly options: ResolvedStreamOptions;
  readonly receiveBudget: ReceiveBudget;
  readonly sendBudget: Budget;
  readonly flowBudget: Budget;
}

/** One stream or flow at one end: buffers, states, and what has to be told to the peer. */
export class Stream {
  readonly sid: number;
  /** The client's end; it repeats `target` until the open is confirmed. */
  readonly isClient: boolean;
  readonly target: SegmentOpenValue;
  readonly send: SendBuffer;
  readonly receive: Reassembly;
  readonly credit: ReceiveCredit;
  readonly room: SendRoom;
  readonly flow: Flow | undefined;

  life: Life = 'live';
  sendState: SendState = 'open';
  receiveState: ReceiveState = 'open';
  /** Position up to which the peer lets us send. */
  peerLimit: number;
  /** The dial's result: told by the node, heard by the client. */
  opened: SegmentOpenedValue | undefined;
  openConfirmed = false;
  openedConfirmed = false;
  resetCode = '';
  /** Some segment of it was handed to a carrier. */
  sentAnything = false;
  /** What the peer had sent when bytes were last sent to it. */
  heardBefore = 0;
  /** Segments in flight that carry bytes or the end. */
  dataInFlight = 0;
  /** How often the sender asked in vain. */
  asked = 0;
  /** The application wrote more than there was room for. */
  wantsRoom = false;
  /** When the peer last let it send more, the application waited for that: it will use that up too. */
  wasHeldUp = false;
  /** The application knows that there is something to read. */
  toldReadable = false;
  /** The application was told that the peer ended. */
  sawEnd = false;
  /** The application knows that the peer has everything that it wrote, and the end. */
  toldFinished = false;
  /** The application knows that both directions ended. */
  toldClosed = false;

  needsOpen: boolean;
  needsOpened = false;
  needsRst = false;
  needsAsk = false;
  needsAck = false;
  needsCredit = false;
  /** The peer asked, or cannot send before it hears from us. */
  owesAnswer = false;
  #ackSent = 0;
  #ackConfirmed = 0;
  #creditConfirmed: number;

  /** Kept by the watch for small messages: bytes since the last pause, when the last ones moved, and when it was bulk. */
  movedBytes = 0;
  movedAt = Number.NEGATIVE_INFINITY;
  bulkAt = Number.NEGATIVE_INFINITY;
  /** Kept by the scheduler. */
  deficit = 0;
  countedBulk = 0;
  countedSmall = 0;
  countedRush = false;

  constructor(sid: number, target: SegmentOpenValue, isClient: boolean, shares: StreamShares, now: number) {
    const { options } = shares;
    this.sid = sid;
    this.target = target;
    this.isClient = isClient;
    this.needsOpen = isClient;
    this.send = new SendBuffer(options.maxLostRanges);
    this.receive = new Reassembly(options.maxGaps);
    this.credit = new ReceiveCredit(shares.receiveBudget, {
      floorBytes: options.receiveFloorBytes,
      ceilingBytes: options.receiveCeilingBytes,
      firstGrantBytes: options.firstGrantBytes,
      bulkGrantBytes: options.bulkGrantBytes,
    });
    this.room = new SendRoom(shares.sendBudget, options.sendFloorBytes);
    this.flow = target.kind === KIND_FLOW ? new Flow(options, shares.flowBudget) : undefined;
    this.peerLimit = options.receiveFloorBytes;
    this.#creditConfirmed = options.receiveFloorBytes;
    if (this.flow === undefined) this.credit.open(now);
  }

  /** Bytes that the application may write now. */
  get roomBytes(): number {
    return this.room.roomFor(this.send.end, this.peerLimit);
  }

  /** Bytes and end that may be sent now. */
  get sendable(): number {
    return this.life === 'live' ? this.send.sendable(this.peerLimit) : 0;
  }

  /** Its bytes go before bulk: first bytes and small streams. */
  get goesFirst(): boolean {
    return this.send.sent < FIRST_BYTES || this.send.end - this.send.acked <= SMALL_BYTES;
  }

  /** Bytes that may go before bulk in one segment. */
  get firstBytes(): number {
    return this.goesFirst ? Math.max(SMALL_BYTES, FIRST_BYTES - this.send.sent) : 0;
  }

  /**
   * Nothing but its end is to be sent, and the target has answered what went before: nobody waits for that end, so it goes along
   * with the next packet. An end that follows its bytes may be what the target waits for.
   */
  get endsLate(): boolean {
    const { send, receive } = this;
    const endOnly = send.finished && send.sent === send.end && send.lostRanges === 0;
    return this.isClient && this.life === 'live' && endOnly && receive.next > this.heardBefore;
  }

  /** Something has to be told at once. */
  get urgent(): boolean {
    return this.needsOpen || this.needsOpened || this.needsRst || this.needsAsk || this.owesAnswer;
  }

  /** It cannot go on before the peer says something, and nothing under way will make it: it has to ask. */
  get stuck(): boolean {
    if (this.life !== 'live' || this.dataInFlight > 0) return false;
    if (this.send.blocked(this.peerLimit)) return this.send.lostRanges === 0;
    return this.send.acked < this.send.sent && this.send.sendable(this.peerLimit) === 0;
  }

  /** Its application has more to write than there is room for, or will have by the time that room comes. */
  get isHungry(): boolean {
    return this.wantsRoom || (this.wasHeldUp && !this.send.finished);
  }

  /** One of its readers lets no more come: it has moved what it was allowed to. */
  get isHeldUp(): boolean {
    return this.receive.next >= this.credit.announced || this.send.blocked(this.peerLimit);
  }

  /** Both directions ended, and the peer knows it. */
  get settled(): boolean {
    return this.life === 'lingering' && this.#ackConfirmed >= this.receive.ack;
  }

  /** Memory that this stream answers for. */
  get heldBytes(): number {
    const ranges = this.send.lostRanges * 32;
    const flow = this.flow?.pinnedBytes ?? 0;
    return STREAM_COST_BYTES + this.send.pinnedBytes + this.receive.pinnedBytes + ranges + flow;
  }

  /** The send buffer has changed. */
  noteRoom(): void {
    this.room.update(this.send.pinnedBytes, this.send.end - this.send.acked);
  }

  /** The ack that goes into a segment now. */
  takeAck(): number {
    this.needsAck = false;
    this.#ackSent = this.receive.ack;
    return this.#ackSent;
  }

  /** Moves the stream's life on, and gives back what the new state does not need. */
  step(event: LifeEvent): void {
    const before = this.life;
    this.life = after(LIFE_TABLE, before, event);
    if (this.life === before || this.life === 'lingering') return;
    this.send.clear();
    this.receive.clear();
    this.flow?.clear();
    this.room.update(0, 0);
    this.credit.close();
    this.needsOpen = this.needsAsk = this.needsAck = this.needsCredit = this.owesAnswer = false;
    this.needsRst = this.life === 'resetting';
    this.needsOpened = this.life === 'refusing';
  }

  /** Follows the buffers: ends of either direction, then of the stream. */
  advance(): void {
    if (this.send.finished) this.sendState = after(SEND_TABLE, this.sendState, 'finish');
    if (this.send.done) this.sendState = after(SEND_TABLE, this.sendState, 'finalAck');
    if (this.receive.sized) this.receiveState = after(RECEIVE_TABLE, this.receiveState, 'fin');
    if (this.receive.complete) this.receiveState = after(RECEIVE_TABLE, this.receiveState, 'lastByte');
    if (this.sawEnd) this.receiveState = after(RECEIVE_TABLE, this.receiveState, 'readToEnd');
    if (this.life === 'live' && this.sendState === 'finished' && this.receiveState === 'ended') {
      this.credit.close();
      this.step('bothEnded');
    }
  }

  /** A packet with `item` has reached the peer. `wasInFlight`: it had not been given up before. */
  confirm(item: SentItem, wasInFlight: boolean): void {
    if (item.open) this.confirmOpen();
    if (item.opened && this.opened !== undefined) {
      this.openedConfirmed = true;
      this.needsOpened = false;
      if (this.life === 'refusing') this.step('confirmed');
    }
    if (item.rst) this.step('confirmed');
    this.#ackConfirmed = Math.max(this.#ackConfirmed, item.ack);
    this.#creditConfirmed = Math.max(this.#creditConfirmed, item.credit);
    if (item.to > item.from) {
      if (wasInFlight) this.dataInFlight--;
      else this.send.arrived(item.from, item.to);
    }
    if (this.settled) this.step('confirmed');
  }

  /** A packet with `item` is given up: what the peer does not have is to be told again, under another number. */
  lose(item: SentItem): void {
    if (item.open && !this.openConfirmed) this.needsOpen = this.life === 'live';
    if (item.opened && !this.openedConfirmed) this.needsOpened = this.life === 'live' || this.life === 'refusing';
    if (item.rst) this.needsRst = this.life === 'resetting';
    const talks = this.life === 'live' || this.life === 'lingering';
    if (item.ask && this.stuck) this.needsAsk = true;
    if (item.ack >= this.#ackSent && item.ack > this.#ackConfirmed) this.needsAck ||= talks;
    if (item.credit >= this.credit.announced && item.credit > this.#creditConfirmed) {
      this.needsCredit ||= this.life === 'live';
    }
    if (item.to > item.from) {
      this.dataInFlight--;
      if (this.life === 'live') this.send.lose(item.from, item.to);
    }
  }

  /** The peer that knew this stream is gone for good; what is complete here stays readable. */
  forgetPeer(): void {
    this.#ackConfirmed = Number.POSITIVE_INFINITY;
    this.needsAck = false;
  }

  /** The node is known to have seen the open. */
  confirmOpen(): void {
    this.openConfirmed = true;
    this.needsOpen = false;
  }
}

/** Memory of one stream at the bounds of its gaps and ranges, without its bytes. */
export function streamOverheadBytes(options: ResolvedStreamOptions): number {
  return (
    STREAM_COST_BYTES + options.maxGaps * GAP_COST_BYTES + runsSlackBytes(options.maxGaps) + options.maxLostRanges * 32
  );
}

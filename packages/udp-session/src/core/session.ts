import { SessionError } from '../errors.js';
import { readU32, writeU16 } from './bytes.js';
import { createDispatch } from './dispatch.js';
import type { FrameOptions } from './frame-queue.js';
import { readItems, type ItemHandler, type ItemsRead } from './item-reader.js';
import { BASE_PACKET_BYTES, ITEM, ITEM_BYTES, TIME_BYTES } from './items.js';
import { KeySchedule } from './key-schedule.js';
import { checkKeys, resolveOptions, type SessionKeys, type SessionOptions } from './options.js';
import { PathValidation } from './path-validation.js';
import { earliest, ReceiveSide } from './receive-side.js';
import { Opener, type Received } from './receiver.js';
import { Pings } from './pings.js';
import { SendSide } from './send-side.js';
import type { SessionEnvironment, SessionEvent, Transmit } from './session-types.js';
import { SmallItems } from './small-items.js';
import { newStats, type SessionStats } from './stats.js';
import { TransmitGroup } from './transmit-group.js';

/** So many forged packets are survived by either cipher (RFC 9001, section 6.6: the lower limit is 2^36). */
const MAX_FORGED = 2 ** 36;
const CLOSE_COPIES = 2;

/**
 * One end of a session. It does no I/O and reads no clock: `now` is ms on one clock that does not go back, addresses are texts
 * that only have to be equal when the addresses are. After any call that takes `now`: `pollEvent` until it gives nothing,
 * `pollTransmit` until it gives nothing, then `pollTimeout`, and `handleTimeout` at the time it gave.
 */
export class SessionCore {
  readonly stats: SessionStats = newStats();
  readonly #send: SendSide;
  readonly #receive: ReceiveSide;
  readonly #opener: Opener;
  readonly #group: TransmitGroup;
  readonly #pings: Pings;
  readonly #small: SmallItems;
  readonly #paths: PathValidation;
  readonly #peerId: number;
  readonly #idleTimeoutMs: number;
  readonly #events: SessionEvent[] = [];
  readonly #handler: ItemHandler;
  readonly #read: ItemsRead = { valid: true, eliciting: false, shard: false };
  #peer: string;
  #from = '';
  #response: { address: string; data: Uint8Array } | undefined;
  #heardAt: number;
  #closesLeft = 0;
  #closeCode = 0;
  #closed = false;

  /**
   * @param peer The peer's address.
   * @throws SessionError SESSION_OPTION
   */
  constructor(environment: SessionEnvironment, keys: SessionKeys, options: SessionOptions, peer: string, now: number) {
    const resolved = resolveOptions(options);
    checkKeys(keys);
    const { crypto, fec, random } = environment;
    const schedule = (secret: Uint8Array): KeySchedule =>
      new KeySchedule(crypto, keys.cipher, secret, resolved.packetsPerPhase);
    this.#send = new SendSide(resolved, fec, this.stats);
    this.#receive = new ReceiveSide(resolved, fec, this.#send.roundTrip, this.stats);
    this.#opener = new Opener(schedule(keys.receiveSecret), this.#receive.window, keys.localId, this.stats);
    this.#group = new TransmitGroup(resolved.maxPacketBytes, schedule(keys.sendSecret));
    this.#pings = new Pings(this.#send, resolved.idleTimeoutMs, now);
    this.#small = new SmallItems(this.#group, this.#send, this.#receive, this.#pings, this.stats);
    this.#paths = new PathValidation(random);
    this.#handler = createDispatch({
      send: this.#send,
      receive: this.#receive,
      stats: this.stats,
      events: this.#events,
      onPathChallenge: (data) => {
        this.#response = { address: this.#from, data };
      },
      onPathResponse: (data) => {
        if (this.#paths.answered(this.#from, data)) this.#moved();
      },
      onClose: (peerCode) => this.#end({ type: 'closed', code: 'SESSION_PEER_CLOSED', peerCode }),
    });
    this.#peerId = keys.peerId;
    this.#idleTimeoutMs = resolved.idleTimeoutMs;
    this.#peer = peer;
    this.#heardAt = now;
  }

  /** The address to which is sent. */
  get peer(): string {
    return this.#peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What is known of the path now. Rates are bytes per ms of UDP payload, sizes bytes of it. */
  get path(): {
    roundTripMs: number;
    leastRoundTripMs: number;
    rate: number;
    loss: number;
    burst: number;
    packetBytes: number;
  } {
    const { roundTrip, congestion, parity, mtu } = this.#send;
    return {
      roundTripMs: roundTrip.smoothedMs,
      leastRoundTripMs: roundTrip.leastMs,
      rate: congestion.rate,
      loss: parity.loss,
      burst: parity.burst,
      packetBytes: mtu.bytes,
    };
  }

  /** Memory for frames now: those being sent or put together, those not released, and what is kept for the next ones. Bytes. */
  get heldBytes(): number {
    return this.#send.heldBytes + this.#receive.heldBytes;
  }

  /** The largest datagram that a packet bears now, bytes. */
  get maxDatagramBytes(): number {
    return this.#send.maxDatagramBytes;
  }

  /**
   * Takes a frame, cuts it, and computes its parity; `bytes` may be reused afterwards.
   * @returns Its index, counted from 0.
   * @throws SessionError SESSION_TOO_LARGE, SESSION_BUSY, SESSION_OPTION, SESSION_CLOSED
   */
  sealFrame(bytes: Uint8Array, options: FrameOptions, now: number): number {
    this.#mustBeOpen();
    return this.#send.submitFrame(bytes, options, now);
  }

  /** Sends up to 1024 bytes that arrive surely, once, and in order. @throws SessionError SESSION_TOO_LARGE, SESSION_BUSY, SESSION_CLOSED */
  sendEvent(bytes: Uint8Array, now: number): void {
    this.#mustBeOpen();
    this.#send.events.submit(bytes, now);
  }

  /** Sends bytes that arrive once or not at all. @throws SessionError SESSION_TOO_LARGE, SESSION_CLOSED */
  sendDatagram(bytes: Uint8Array, now: number): void {
    this.#mustBeOpen();
    if (bytes.length > this.maxDatagramBytes) {
      throw new SessionError('SESSION_TOO_LARGE', `a datagram has at most ${this.maxDatagramBytes} bytes on this path`);
    }
    this.#send.datagrams.submit(bytes, now);
  }

  /** Ends the session; the peer is told. `code` is for the application, 0 to 65,535. */
  close(code = 0): void {
    if (this.#closed) return;
    this.#closeCode = code;
    this.#closesLeft = CLOSE_COPIES;
    this.#end({ type: 'closed', code: 'SESSION_CLOSED' });
  }

  /** One datagram; it is opened in place. */
  handleDatagram(bytes: Uint8Array, from: string, now: number): void {
    const received = { slab: bytes, offsets: new Uint32Array(1), lengths: Uint32Array.of(bytes.length), count: 1 };
    this.handleDatagrams(received, from, now);
  }

  /** Datagrams that came from one address; they are opened in place. Nothing that they hold makes it throw. */
  handleDatagrams(received: Received, from: string, now: number): void {
    if (this.#closed) return;
    this.#from = from;
    this.#opener.open(received, (number, slab, at, end, bytes) => this.#packet(number, slab, at, end, bytes, now));
    for (let frame = this.#receive.frames.poll(); frame !== undefined; frame = this.#receive.frames.poll()) {
      this.#events.push(frame);
    }
    if (this.stats.packetsNotAuthentic >= MAX_FORGED) this.#end({ type: 'closed', code: 'SESSION_FORGERY' });
  }

  /** What happened next, until undefined. */
  pollEvent(): SessionEvent | undefined {
    return this.#events.shift();
  }

  /** Packets to be sent now, until undefined. */
  pollTransmit(now: number): Transmit | undefined {
    if (this.#closed && this.#closesLeft === 0) return undefined;
    this.#group.count = 0;
    const to = this.#buildElsewhere(now) ?? this.#peer;
    if (this.#group.count === 0) this.#build(now);
    if (this.#group.count === 0) return undefined;
    this.#group.seal();
    const { slab, offsets, lengths, count } = this.#group;
    return { slab, offsets, lengths, count, to };
  }

  /** When `handleTimeout` has to be called. */
  pollTimeout(now: number): number | undefined {
    if (this.#closed) return this.#closesLeft > 0 ? now : undefined;
    const { pacer, frames, events, datagrams, mtu, windowOpen, rate } = this.#send;
    const small = earliest(events.dueAt, datagrams.dueAt);
    const frame = frames.next();
    const readyAt = frame !== undefined || small !== undefined ? pacer.readyAt(rate, now) : undefined;
    return earliest(
      this.#heardAt + this.#idleTimeoutMs,
      this.#pings.dueAt,
      frame !== undefined && windowOpen ? readyAt : undefined,
      frame?.deadlineAt,
      small === undefined || pacer.mayBorrow ? small : Math.max(small, readyAt!),
      mtu.dueAt(now),
      this.#paths.dueAt,
      this.#receive.timeout(now),
    );
  }

  /** Time went on. */
  handleTimeout(now: number): void {
    if (this.#closed) return;
    if (now >= this.#heardAt + this.#idleTimeoutMs) {
      this.#end({ type: 'closed', code: 'SESSION_TIMEOUT' });
      return;
    }
    this.#send.frames.expire(now);
    this.#receive.handleTimeout(now);
  }

  #packet(number: number, slab: Uint8Array, at: number, end: number, bytes: number, now: number): void {
    if (end - at <= TIME_BYTES) {
      this.stats.packetsMalformed++;
      return;
    }
    const newest = number > this.#receive.window.largest;
    this.#heardAt = now;
    this.#receive.packet(number, bytes, readU32(slab, at), now);
    if (newest && this.#from !== this.#peer) this.#paths.seen(this.#from, now);
    else if (newest) this.#paths.forget();
    readItems(slab, at + TIME_BYTES, end, this.#handler, now, this.#read);
    if (!this.#read.valid) this.stats.packetsMalformed++;
    if (!this.#read.eliciting) return;
    this.#receive.owe(now);
    if (this.#read.shard) this.#pings.received(now);
  }

  /** A packet to an address that is not, or perhaps not any more, the peer's. */
  #buildElsewhere(now: number): string | undefined {
    if (this.#closed) return undefined;
    const response = this.#response;
    const challenge = response === undefined ? this.#paths.take(this.#send.roundTrip.lateMs, now) : undefined;
    const chosen = response ?? challenge;
    if (chosen === undefined) return undefined;
    this.#response = undefined;
    this.#begin(BASE_PACKET_BYTES, now);
    this.#group.slab[this.#group.at] = response === undefined ? ITEM.pathChallenge : ITEM.pathResponse;
    this.#group.slab.set(chosen.data, this.#group.at + 1);
    this.#group.at += ITEM_BYTES.pathChallenge;
    this.#finish(true, now);
    return chosen.address;
  }

  #build(now: number): void {
    const { pacer, frames, mtu } = this.#send;
    const rate = this.#send.rate;
    pacer.refill(rate, now);
    const probe = this.#closed ? undefined : mtu.takeProbe(this.#send.roundTrip.lateMs + 5, now);
    if (probe !== undefined) this.#probe(probe, now);
    while (!this.#group.full) {
      this.#begin(mtu.bytes, now);
      const eliciting = this.#closed ? this.#farewell() : this.#small.isDue(now) && this.#small.write(now);
      const shard = pacer.ready && this.#shard(now);
      if (this.#group.empty) break;
      pacer.spend(this.#finish(eliciting || shard, now));
    }
    // What is under way shows what the path bears only while more was waiting to be sent.
    if (frames.next() === undefined || this.#send.spreads) this.#send.ranDry();
  }

  #probe(bytes: number, now: number): void {
    this.#begin(bytes, now);
    const { slab, at } = this.#group;
    slab[at] = ITEM.mtuProbe;
    writeU16(slab, at + 1, bytes);
    this.#group.at += ITEM_BYTES.mtuProbe;
    this.#group.pad();
    this.#send.pacer.spend(this.#finish(true, now));
  }

  #begin(maxBytes: number, now: number): void {
    this.#group.begin(this.#send.next, this.#peerId, maxBytes, now);
  }

  #finish(eliciting: boolean, now: number): number {
    const bytes = this.#group.end();
    this.#send.sent(bytes, eliciting, now);
    this.#pings.said(now);
    this.stats.packetsSent++;
    this.stats.bytesSent += bytes;
    return bytes;
  }

  /** Says goodbye, a fixed number of times. */
  #farewell(): boolean {
    if (this.#closesLeft === 0) return false;
    this.#closesLeft--;
    this.#group.slab[this.#group.at] = ITEM.close;
    writeU16(this.#group.slab, this.#group.at + 1, this.#closeCode);
    this.#group.at += ITEM_BYTES.close;
    return false;
  }

  /** Writes the next shard into the open packet, if one may go and fits. */
  #shard(now: number): boolean {
    if (this.#closed) return false;
    const { frames, windowOpen, maxShardBytes } = this.#send;
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      const { shardBytes } = frame.layout.shape;
      if (frame.deadlineAt <= now || shardBytes > maxShardBytes) {
        // Too late, or cut for a path that bore larger packets: it is of no use any more.
        frames.take(frame);
        continue;
      }
      if (!windowOpen || this.#group.room < ITEM_BYTES.shard + shardBytes) return false;
      const again = frames.isAgain(frame);
      const shard = frames.take(frame);
      if (again) this.stats.shardsResent++;
      if (again || shard >= frame.layout.data) this.stats.repairBytesSent += shardBytes + ITEM_BYTES.shard;
      this.#group.shard(frame, shard);
      return true;
    }
    return false;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new SessionError('SESSION_CLOSED', 'the session is closed');
  }

  #end(event: SessionEvent): void {
    this.#closed = true;
    this.#events.push(event);
  }

  #moved(): void {
    this.#peer = this.#from;
    this.#send.newPath();
    this.#events.push({ type: 'path', address: this.#peer });
  }
}

import { SessionError } from '../errors.js';
import { readU32 } from './bytes.js';
import { createDispatch } from './dispatch.js';
import { Earliest } from './earliest.js';
import type { FrameOptions } from './frame-queue.js';
import { readItems, type ItemHandler, type ItemsRead } from './item-reader.js';
import { TIME_BYTES } from './items.js';
import { KeySchedule } from './key-schedule.js';
import { checkKeys, resolveOptions, type Role, type SessionKeys, type SessionOptions } from './options.js';
import { PacketBuilder } from './packet-builder.js';
import { PathValidation } from './path-validation.js';
import { ReceiveSide } from './receive-side.js';
import { Opener, type Opened, type Received } from './receiver.js';
import { Pings } from './pings.js';
import { SendSide } from './send-side.js';
import type { SessionEnvironment, SessionEvent, Transmit } from './session-types.js';
import { SmallItems } from './small-items.js';
import { newStats, type SessionStats } from './stats.js';
import { TransmitGroup } from './transmit-group.js';

/** So many forged packets are survived by either cipher (RFC 9001, section 6.6: the lower limit is 2^36). */
const MAX_FORGED = 2 ** 36;

/**
 * One end of a session. It does no I/O and reads no clock: `now` is ms on one clock that does not go back, addresses are texts
 * that only have to be equal when the addresses are. After any call that takes `now`: `pollEvent` until it gives nothing,
 * `pollTransmit` until it gives nothing, then `pollTimeout`, and `handleTimeout` at the time it gave.
 */
export class SessionCore {
  readonly stats: SessionStats = newStats();
  readonly role: Role | undefined;
  readonly #send: SendSide;
  readonly #receive: ReceiveSide;
  readonly #opener: Opener;
  readonly #group: TransmitGroup;
  readonly #pings: Pings;
  readonly #builder: PacketBuilder;
  readonly #paths: PathValidation;
  readonly #idleTimeoutMs: number;
  readonly #events: SessionEvent[] = [];
  readonly #handler: ItemHandler;
  readonly #onPacket: Opened;
  readonly #earliest = new Earliest();
  readonly #read: ItemsRead = { valid: true, eliciting: false, shard: false };
  #peer: string;
  #from = '';
  /** When the packets that are read now arrived. Once undefined, the field keeps the number object that it is given: else one was made for each packet. */
  #now: number | undefined;
  #heardAt: number;
  #closed = false;

  /**
   * @param peer The peer's address.
   * @throws SessionError SESSION_OPTION
   */
  constructor(environment: SessionEnvironment, keys: SessionKeys, options: SessionOptions, peer: string, now: number) {
    const resolved = resolveOptions(options);
    checkKeys(keys);
    this.role = keys.role;
    const { crypto, fec, random } = environment;
    const schedule = (secret: Uint8Array): KeySchedule =>
      new KeySchedule(crypto, keys.cipher, secret, resolved.packetsPerPhase);
    this.#send = new SendSide(resolved, fec, this.stats);
    this.#receive = new ReceiveSide(resolved, fec, this.#send.roundTrip, this.stats);
    this.#opener = new Opener(schedule(keys.receiveSecret), this.#receive.window, keys.localId, this.stats);
    this.#group = new TransmitGroup(resolved.maxPacketBytes, schedule(keys.sendSecret));
    // A client shows its host at once that it has the keys.
    this.#pings = new Pings(this.#send, resolved.idleTimeoutMs, keys.role === 'client', now);
    this.#paths = new PathValidation(random);
    this.#builder = new PacketBuilder({
      group: this.#group,
      send: this.#send,
      small: new SmallItems(this.#group, this.#send, this.#receive, this.#pings, this.stats),
      pings: this.#pings,
      paths: this.#paths,
      stats: this.stats,
      peerId: keys.peerId,
    });
    this.#handler = createDispatch({
      send: this.#send,
      receive: this.#receive,
      stats: this.stats,
      role: keys.role,
      events: this.#events,
      onPathChallenge: (data) => this.#builder.respond(this.#from, data),
      onPathResponse: (data) => {
        if (this.#paths.answered(this.#from, data)) this.#moved();
      },
      onClose: (peerCode) => this.#end({ type: 'closed', code: 'SESSION_PEER_CLOSED', peerCode }),
    });
    this.#idleTimeoutMs = resolved.idleTimeoutMs;
    this.#peer = peer;
    this.#heardAt = now;
    this.#onPacket = (number, slab, at, end, bytes) => this.#packet(number, slab, at, end, bytes);
  }

  /** The address to which is sent. */
  get peer(): string {
    return this.#peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** When the session ends unless something authentic arrives. */
  get idleAt(): number {
    return this.#heardAt + this.#idleTimeoutMs;
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
    return this.#send.submitFrame(checkBytes(bytes), options, now);
  }

  /** Sends up to 1024 bytes that arrive surely, once, and in order. @throws SessionError SESSION_TOO_LARGE, SESSION_BUSY, SESSION_CLOSED */
  sendEvent(bytes: Uint8Array, now: number): void {
    this.#mustBeOpen();
    this.#send.events.submit(checkBytes(bytes), false, now);
  }

  /** The same as input of a client to its host, in one order with its events. @throws SessionError as `sendEvent`; SESSION_ROLE where this is no client */
  sendInput(bytes: Uint8Array, now: number): void {
    this.#mustBeOpen();
    if (this.role !== 'client') throw new SessionError('SESSION_ROLE', 'only a client has input, for its host');
    this.#send.events.submit(checkBytes(bytes), true, now);
  }

  /** Sends bytes that arrive once or not at all. @throws SessionError SESSION_TOO_LARGE, SESSION_CLOSED */
  sendDatagram(bytes: Uint8Array, now: number): void {
    this.#mustBeOpen();
    if (checkBytes(bytes).length > this.maxDatagramBytes) {
      throw new SessionError('SESSION_TOO_LARGE', `a datagram has at most ${this.maxDatagramBytes} bytes on this path`);
    }
    this.#send.datagrams.submit(bytes, now);
  }

  /** Ends the session; the peer is told. `code` is for the application, 0 to 65,535. @throws SessionError SESSION_OPTION */
  close(code = 0): void {
    if (!Number.isInteger(code) || code < 0 || code > 65_535) {
      throw new SessionError('SESSION_OPTION', `a close code is a whole number from 0 to 65535, not ${String(code)}`);
    }
    if (this.#closed) return;
    this.#builder.sayGoodbye(code);
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
    this.#now = now;
    this.#receive.arrivals.begin(now);
    const { packetsReceived } = this.stats;
    this.#opener.open(received, this.#onPacket);
    // Once for all of them: a time that is noted for each packet may be a new object each time.
    if (this.stats.packetsReceived > packetsReceived) this.#heardAt = now;
    for (let frame = this.#receive.frames.poll(); frame !== undefined; frame = this.#receive.frames.poll()) {
      this.#events.push(frame);
    }
    if (this.stats.packetsNotAuthentic >= MAX_FORGED) this.#end({ type: 'closed', code: 'SESSION_FORGERY' });
  }

  /** What happened next, until undefined. */
  pollEvent(): SessionEvent | undefined {
    return this.#events.shift() ?? (!this.#closed && this.#send.takeWritable() ? { type: 'writable' } : undefined);
  }

  /** Packets to be sent now, until undefined. */
  pollTransmit(now: number): Transmit | undefined {
    const group = this.#group;
    group.start(now);
    const elsewhere = this.#closed ? undefined : this.#builder.buildElsewhere(now);
    if (this.#closed) this.#builder.buildGoodbyes(now);
    else if (elsewhere === undefined) this.#builder.build(now);
    if (group.count === 0) return undefined;
    group.seal();
    const { slab, offsets, lengths, count } = group;
    return { slab, offsets, lengths, count, to: elsewhere ?? this.#peer };
  }

  /** When `handleTimeout` has to be called. */
  pollTimeout(now: number): number | undefined {
    if (this.#closed) return this.#builder.closesLeft > 0 ? now : undefined;
    const earliest = this.#earliest;
    earliest.at = this.#heardAt + this.#idleTimeoutMs;
    this.#pings.addTimes(earliest);
    this.#paths.addTime(earliest);
    this.#receive.addTimes(earliest, now);
    this.#send.addTimes(earliest, now);
    return earliest.at;
  }

  /** Time went on. */
  handleTimeout(now: number): void {
    if (this.#closed) return;
    if (now >= this.#heardAt + this.#idleTimeoutMs) {
      this.#end({ type: 'closed', code: 'SESSION_TIMEOUT' });
      return;
    }
    this.#send.frames.expire(now);
    this.#send.tail.handleTimeout(now);
    this.#receive.handleTimeout(now);
  }

  #packet(number: number, slab: Uint8Array, at: number, end: number, bytes: number): void {
    const now = this.#now!;
    if (this.#closed) return;
    if (end - at <= TIME_BYTES) {
      this.stats.packetsMalformed++;
      return;
    }
    const newest = number > this.#receive.window.largest;
    this.#receive.packet(number, bytes, readU32(slab, at) | 0);
    if (newest && this.#from !== this.#peer) this.#paths.seen(this.#from, now);
    else if (newest) this.#paths.forget();
    readItems(slab, at + TIME_BYTES, end, this.#handler, now, this.#read);
    if (!this.#read.valid) this.stats.packetsMalformed++;
    if (!this.#read.eliciting) return;
    this.#receive.owe(now);
    if (this.#read.shard) this.#pings.received(now);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new SessionError('SESSION_CLOSED', 'the session is closed');
  }

  #end(event: SessionEvent): void {
    // A goodbye is said more than once.
    if (this.#closed) return;
    this.#closed = true;
    this.#events.push(event);
  }

  #moved(): void {
    this.#peer = this.#from;
    this.#send.newPath();
    this.#events.push({ type: 'path', address: this.#peer });
  }
}

/** A text, or numbers of another size, would not arrive as they are. */
function checkBytes(bytes: Uint8Array): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  throw new SessionError('SESSION_OPTION', 'what is sent is a Uint8Array');
}

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';

import { openCall } from '@millrace/protocol/handshake';

import { SessionCore, type Cipher, type Received, type SessionEnvironment, type SessionKeys } from '../core/index.js';
import { SessionError } from '../errors.js';
import { checkListen } from './check-options.js';
import type { CommonOptions } from './connect.js';
import {
  chooseCipher,
  CIPHERS,
  COOKIE_SECONDS,
  Cookies,
  decodeHello,
  encodeAnswer,
  encodeChoice,
  encodeRetry,
  helloClear,
} from './greeting.js';
import { chooseCrypto, chooseFec, loadAddon } from './native.js';
import { openSocket } from './open-socket.js';
import { nameOf, type Endpoint, type PacketSocket, type Tier } from './packet-socket.js';
import { SessionHandle } from './session-handle.js';

export interface ListenOptions extends CommonOptions {
  /** Numeric address to bind. Default `0.0.0.0`. */
  readonly address?: string | undefined;
  /** Default 0: the system chooses. */
  readonly port?: number | undefined;
  /** The private key, 32 bytes, whose public key callers pin. Without it and without `sharedKey` nobody can call: see `UdpHost.add`. */
  readonly privateKey?: Uint8Array | undefined;
  /** The ciphers, the preferred one first. Default: AES-128-GCM, then ChaCha20-Poly1305. */
  readonly ciphers?: readonly Cipher[] | undefined;
  /** Most sessions at a time, 1 to 256. Default 64. */
  readonly maxSessions?: number | undefined;
}

/** Calls that are opened at a time; each costs some hundred microseconds, and those on top come again. */
const MAX_OPENING = 64;
/** Calls that are remembered, so that a copy of one opens nothing again. */
const MAX_REMEMBERED = 4096;

/** A call that was opened, or is being. */
interface CallRecord {
  readonly from: string;
  readonly seconds: number;
  /** What was answered. */
  answer: Uint8Array | undefined;
}

/**
 * Waits for callers.
 * @throws SessionError SESSION_OPTION, ADDRESS_IN_USE, ADDRESS_UNAVAILABLE
 */
export async function listen(options: ListenOptions = {}): Promise<UdpHost> {
  const checked = checkListen(options);
  const { address, port, session = {}, tier } = checked;
  const addon = await loadAddon();
  const environment = { crypto: chooseCrypto(addon), fec: chooseFec(addon), random: randomBytes };
  let host: UdpHost | undefined;
  const socket = await openSocket(addon, tier, { address, port }, session.maxPacketBytes ?? 0, {
    onPackets: (packets, from) => host?.receive(packets, from),
    onWritable: () => host?.writable(),
  });
  host = new UdpHost(socket, environment, checked);
  return host;
}

/** A socket with any number of sessions, up to `maxSessions`. */
export class UdpHost extends EventEmitter<{ session: [session: SessionHandle] }> {
  readonly #socket: PacketSocket;
  readonly #environment: SessionEnvironment;
  readonly #options: ListenOptions & { readonly maxSessions: number };
  readonly #cookies = new Cookies();
  /** By the connection id in packets to this end. */
  readonly #sessions = new Map<number, SessionHandle>();
  /** Calls that are being opened, or were, by their first bytes; and what was answered. */
  readonly #calls = new Map<string, CallRecord>();
  /** Used again for each group of packets. */
  readonly #group = {
    slab: new Uint8Array(0) as Uint8Array,
    offsets: new Uint32Array(0) as Uint32Array,
    lengths: new Uint32Array(0) as Uint32Array,
    first: 0,
    count: 0,
  };
  /** Sessions that nothing authentic came from yet, by their callers: the last one of each. */
  readonly #unproven = new Map<string, SessionHandle>();
  #opening = 0;
  #closed = false;

  /** Use `UdpSession.listen`. */
  constructor(
    socket: PacketSocket,
    environment: SessionEnvironment,
    options: ListenOptions & { readonly maxSessions: number },
  ) {
    super();
    this.#socket = socket;
    this.#environment = environment;
    this.#options = options;
  }

  /** The address that is bound. */
  get local(): Endpoint {
    return this.#socket.local;
  }

  get tier(): Tier {
    return this.#socket.tier;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /**
   * A session with keys from elsewhere.
   * @throws SessionError SESSION_BUSY when `localId` is taken or there are as many sessions as may be, SESSION_OPTION
   */
  add(keys: SessionKeys, peer: Endpoint): SessionHandle {
    return this.#add(keys, peer);
  }

  /** @param caller Who called; then the session is told of once the caller has shown that it has the keys. */
  #add(keys: SessionKeys, peer: Endpoint, caller?: string): SessionHandle {
    if (this.#closed) throw new SessionError('SESSION_CLOSED', 'the host is closed');
    if (this.#sessions.size >= this.#options.maxSessions || this.#sessions.has(keys.localId)) {
      throw new SessionError('SESSION_BUSY', `connection id ${keys.localId} is taken, or there are too many sessions`);
    }
    const { session = {}, copyFrames = false } = this.#options;
    const core = new SessionCore(
      this.#environment,
      { ...keys, role: 'host' },
      session,
      nameOf(peer),
      performance.now(),
    );
    const onGone = (): Promise<void> => {
      this.#sessions.delete(keys.localId);
      this.#settle(caller, handle);
      return Promise.resolve();
    };
    const onProven = (): void => {
      this.#settle(caller, handle);
      this.emit('session', handle);
    };
    const handle: SessionHandle = new SessionHandle({
      core,
      socket: this.#socket,
      peer,
      copyFrames,
      onGone,
      ...(caller !== undefined && { onProven }),
    });
    this.#sessions.set(keys.localId, handle);
    return handle;
  }

  #settle(caller: string | undefined, session: SessionHandle): void {
    if (caller !== undefined && this.#unproven.get(caller) === session) this.#unproven.delete(caller);
  }

  /** Closes all sessions and the socket. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(Array.from(this.#sessions.values(), (session) => session.close()));
    await this.#socket.close();
  }

  /** Packets of one sender. For whoever holds the socket. */
  receive(packets: Received, from: Endpoint): void {
    const { slab, offsets, lengths, count } = packets;
    const group = this.#group;
    group.slab = slab;
    group.offsets = offsets;
    group.lengths = lengths;
    for (let first = 0; first < count;) {
      const at = offsets[first]!;
      if (lengths[first]! < 2 || (slab[at]! & 0xc0) !== 0x40) {
        this.#hello(slab.subarray(at, at + lengths[first]!), from);
        first++;
        continue;
      }
      // Packets of one session in a row are opened together.
      const id = slab[at + 1]!;
      let next = first + 1;
      while (
        next < count &&
        lengths[next]! >= 2 &&
        slab[offsets[next]! + 1] === id &&
        (slab[offsets[next]!]! & 0xc0) === 0x40
      )
        next++;
      group.first = first;
      group.count = next - first;
      this.#sessions.get(id)?.receive(group, from);
      first = next;
    }
  }

  /** The system takes packets again. For whoever holds the socket. */
  writable(): void {
    for (const session of this.#sessions.values()) session.writable();
  }

  /** A datagram that is not sealed. Nothing is remembered of its sender before the sender showed a cookie. */
  #hello(datagram: Uint8Array, from: Endpoint): void {
    const { privateKey, sharedKey, maxSessions } = this.#options;
    const hello = decodeHello(datagram);
    if (hello === undefined || this.#closed || (privateKey === undefined && sharedKey === undefined)) return;
    const seconds = Math.floor(performance.now() / 1000);
    if (!this.#cookies.isGood(hello.cookie, from, hello.connectionId, seconds)) {
      const cookie = this.#cookies.make(from, hello.connectionId, seconds);
      this.#send(encodeRetry(hello.connectionId, cookie), from);
      return;
    }
    const name = Buffer.from(hello.call.subarray(0, 32)).toString('base64');
    const known = this.#calls.get(name);
    if (known !== undefined) {
      if (known.answer !== undefined && known.from === nameOf(from)) this.#send(known.answer, from);
      return;
    }
    if (this.#opening >= MAX_OPENING || this.#sessions.size + this.#opening >= maxSessions) return;
    if (!this.#forgetCalls(seconds)) return;
    this.#opening++;
    const record: CallRecord = { from: nameOf(from), seconds, answer: undefined };
    this.#calls.set(name, record);
    const clear = helloClear(hello.connectionId, hello.cookie);
    void this.#open(hello.connectionId, new Uint8Array(hello.call), clear, from, record)
      // Only what opened a session must not be opened again; to remember all else would let anybody fill the room for it.
      .then((isOpen) => isOpen || this.#calls.delete(name))
      .finally(() => this.#opening--);
  }

  /** Makes room for one more call. False while all that are remembered may still be sent again with a good cookie. */
  #forgetCalls(seconds: number): boolean {
    for (const [name, call] of this.#calls) {
      if (this.#calls.size < MAX_REMEMBERED) return true;
      if (seconds - call.seconds <= COOKIE_SECONDS) return false;
      this.#calls.delete(name);
    }
    return true;
  }

  async #open(
    peerId: number,
    message: Uint8Array,
    clear: Uint8Array,
    from: Endpoint,
    record: CallRecord,
  ): Promise<boolean> {
    const keys = await this.#answer(peerId, message, clear, record);
    if (keys === undefined) return false;
    // A caller that called twice, since the first answer was slow or lost, has the keys of one call only.
    const caller = `${record.from} ${peerId}`;
    const before = this.#unproven.get(caller);
    this.#unproven.delete(caller);
    before?.abandon();
    this.#unproven.set(caller, this.#add(keys, from, caller));
    this.#send(record.answer!, from);
    return true;
  }

  /** Opens a call and puts the answer into its record. Undefined when there is no session for it. */
  async #answer(
    peerId: number,
    message: Uint8Array,
    clear: Uint8Array,
    record: CallRecord,
  ): Promise<SessionKeys | undefined> {
    const { privateKey, sharedKey, maxSessions, ciphers = CIPHERS } = this.#options;
    try {
      const opened = await openCall({ privateKey, sharedKey }, message, clear);
      const cipher = chooseCipher(opened.payload, ciphers);
      const localId = this.#freeId();
      if (cipher === undefined || localId === undefined) return undefined;
      const answer = await opened.answer(encodeChoice(localId, cipher), randomBytes(32));
      if (this.#closed || this.#sessions.has(localId) || this.#sessions.size >= maxSessions) return undefined;
      record.answer = encodeAnswer(peerId, answer.message);
      const { caller, callee } = answer.secrets;
      return { cipher, sendSecret: callee, receiveSecret: caller, localId, peerId };
    } catch {
      // A call under another key, or none at all: it gets no answer, as if nobody were here.
      return undefined;
    }
  }

  #freeId(): number | undefined {
    const start = randomBytes(1)[0]!;
    for (let i = 0; i < 256; i++) if (!this.#sessions.has((start + i) & 255)) return (start + i) & 255;
    return undefined;
  }

  #send(datagram: Uint8Array, to: Endpoint): void {
    const one = { slab: datagram, offsets: Uint32Array.of(0), lengths: Uint32Array.of(datagram.length), count: 1 };
    this.#socket.send(one, to);
  }
}

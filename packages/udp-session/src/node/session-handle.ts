import { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';

import type { ErrorCode } from '@millrace/protocol';

import { SessionError } from '../errors.js';
import type { FrameEvent, FrameOptions, Received, Role, SessionCore, SessionStats } from '../core/index.js';
import { nameOf, type Endpoint, type PacketSocket, type Tier } from './packet-socket.js';

export interface UdpSessionEvents {
  /** A whole frame; call `release()` when its bytes are not needed any more. Without a listener frames are released at once. */
  frame: [frame: FrameEvent];
  /** An event of the peer: up to 1024 bytes, in order, none missing. */
  event: [data: Uint8Array];
  /** What the client sent as its input, in one order with its events. Only a host gets it. */
  input: [data: Uint8Array];
  datagram: [data: Uint8Array];
  /** There is room again, after a call threw SESSION_BUSY. */
  writable: [];
  /** The peer is at another address now. */
  path: [peer: Endpoint];
  /** The session is over. `error.code` says who ended it: SESSION_CLOSED is this end; `error.peerCode` is what the peer gave to `close`. */
  close: [error: SessionError];
}

/** Counts since the start, and how things stand now. */
export interface UdpSessionStats extends SessionStats {
  /** How packets reach the system. */
  tier: Tier;
  /** The rates are bytes per ms. */
  path: SessionCore['path'];
  /**
   * Packets that the system dropped at this socket because they came faster than they were taken. Those that it had joined may count
   * as one, those of a host's other sessions count too; 0 where it does not tell: on tier `dgram`, and not on Linux.
   */
  packetsOverrun: number;
}

/** What a session needs of who made it. */
export interface SessionParts {
  readonly core: SessionCore;
  readonly socket: PacketSocket;
  readonly peer: Endpoint;
  readonly copyFrames: boolean;
  /**
   * Is called once, when the peer has shown that it has the keys. Until then nothing is sent, nothing is told, and `abandon` ends
   * it. Without it the session begins at once.
   */
  readonly onProven?: (() => void) | undefined;
  /** Is called once, when nothing of this session is left to be sent. */
  readonly onGone: () => Promise<void>;
}

const CLOSE_REASONS: Partial<Record<string, string>> = {
  SESSION_CLOSED: 'the session is closed',
  SESSION_PEER_CLOSED: 'the peer closed the session',
  SESSION_TIMEOUT: 'the peer is silent',
  SESSION_FORGERY: 'too many forged packets came',
};

/** Longest time that a timer is set for, ms: the largest that Node takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A session over UDP: frames, events and datagrams, encrypted, with forward error correction, paced. */
export class SessionHandle extends EventEmitter<UdpSessionEvents> {
  readonly #core: SessionCore;
  readonly #socket: PacketSocket;
  readonly #copyFrames: boolean;
  readonly #onGone: () => Promise<void>;
  /** Undefined once the peer has shown that it has the keys. */
  #onProven: (() => void) | undefined;
  /** The addresses that packets came from lately, by their names. */
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #onTimer = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#pump();
  };
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  /** Where the last packets came from. */
  #from: Endpoint | undefined;
  #fromName = '';
  #immediate: NodeJS.Immediate | undefined;
  #gone: Promise<void> | undefined;

  /** Use `UdpSession.connect`, `UdpSession.listen` or `UdpHost.add`. */
  constructor(parts: SessionParts) {
    super();
    this.#core = parts.core;
    this.#socket = parts.socket;
    this.#copyFrames = parts.copyFrames;
    this.#onGone = parts.onGone;
    this.#onProven = parts.onProven;
    this.#endpoints.set(nameOf(parts.peer), parts.peer);
    this.#pump();
  }

  /** Which end this is: `client` is who connected. */
  get role(): Role {
    return this.#core.role!;
  }

  /** The peer's address. */
  get peer(): Endpoint {
    return this.#endpoints.get(this.#core.peer)!;
  }

  /** The largest datagram that fits into a packet of this path now, bytes. */
  get maxDatagramBytes(): number {
    return this.#core.maxDatagramBytes;
  }

  /**
   * Sends a frame; its bytes may be reused afterwards.
   * @returns Its index, counted from 0.
   * @throws SessionError SESSION_TOO_LARGE, SESSION_BUSY, SESSION_OPTION, SESSION_CLOSED
   */
  sendFrame(bytes: Uint8Array, options: FrameOptions = {}): number {
    const index = this.#core.sealFrame(bytes, options, performance.now());
    this.#soon();
    return index;
  }

  /** Sends up to 1024 bytes, reliably and in order. @throws SessionError SESSION_TOO_LARGE, SESSION_BUSY, SESSION_CLOSED */
  sendEvent(bytes: Uint8Array): void {
    this.#core.sendEvent(bytes, performance.now());
    this.#soon();
  }

  /**
   * Sends up to 1024 bytes as input of this client to its host, reliably, in one order with its events.
   * @throws SessionError as `sendEvent`; SESSION_ROLE at the host
   */
  sendInput(bytes: Uint8Array): void {
    this.#core.sendInput(bytes, performance.now());
    this.#soon();
  }

  /** Sends bytes that arrive once or not at all. @throws SessionError SESSION_TOO_LARGE, SESSION_CLOSED */
  sendDatagram(bytes: Uint8Array): void {
    this.#core.sendDatagram(bytes, performance.now());
    this.#soon();
  }

  stats(): UdpSessionStats {
    const { tier, overrun } = this.#socket;
    return { ...this.#core.stats, tier, path: this.#core.path, packetsOverrun: overrun };
  }

  /**
   * Ends the session. What was not sent yet is dropped; the peer is told `code`, 0 to 65,535: the `peerCode` of its error. Resolves when
   * all is given back.
   * @throws SessionError SESSION_OPTION
   */
  close(code = 0): Promise<void> {
    this.#core.close(code);
    this.#pump();
    return this.#gone!;
  }

  /** Packets that came for this session. For whoever holds the socket. */
  receive(packets: Received, from: Endpoint): void {
    if (from !== this.#from) this.#seen(from);
    const now = performance.now();
    this.#core.handleDatagrams(packets, this.#fromName, now);
    if (this.#onProven !== undefined && this.isProven) {
      const onProven = this.#onProven;
      this.#onProven = undefined;
      onProven();
    }
    this.#pump(now);
  }

  /** Whether anything authentic came. For whoever holds the socket. */
  get isProven(): boolean {
    return this.#core.stats.packetsReceived > 0;
  }

  /** Ends a session that nobody was told of. For whoever holds the socket. */
  abandon(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#gone ??= this.#onGone();
  }

  /** The system takes packets again. For whoever holds the socket. */
  writable(): void {
    this.#pump();
  }

  #seen(from: Endpoint): void {
    const name = nameOf(from);
    this.#from = from;
    this.#fromName = name;
    // The peer's, and the last one that it may have moved to.
    if (!this.#endpoints.has(name)) {
      for (const known of this.#endpoints.keys()) if (known !== this.#core.peer) this.#endpoints.delete(known);
      this.#endpoints.set(name, from);
    }
  }

  /** Several calls in one turn are sent together. */
  #soon(): void {
    this.#immediate ??= setImmediate(() => this.#pump());
  }

  #pump(now = performance.now()): void {
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#immediate = undefined;
    this.#core.handleTimeout(now);
    if (this.#onProven !== undefined && !this.#core.closed) {
      this.#wake(this.#core.idleAt, now);
      return;
    }
    // What the system does not take now is better paced again than refused; a goodbye is tried whatever happens.
    while (!this.#socket.blocked || this.#core.closed) {
      const out = this.#core.pollTransmit(now);
      if (out === undefined) break;
      const to = this.#endpoints.get(out.to);
      this.#core.stats.packetsRefused += to === undefined ? out.count : this.#socket.send(out, to);
    }
    const at = this.#core.pollTimeout(now);
    if (at === undefined) {
      clearTimeout(this.#timer);
      this.#gone ??= this.#onGone();
    } else if (at > now) this.#wake(at, now);
    else if (!this.#socket.blocked) this.#soon();
    // Last, since a listener may call anything.
    for (let event = this.#core.pollEvent(); event !== undefined; event = this.#core.pollEvent()) this.#tell(event);
  }

  /** Sets the timer. One that is set for an earlier time stays: most times move on before they come. */
  #wake(at: number, now: number): void {
    if (this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#onTimer, Math.min(MAX_TIMER_MS, at - now));
  }

  #frame(frame: FrameEvent): void {
    if (this.#copyFrames) {
      frame.data = new Uint8Array(frame.data);
      frame.release();
    }
    if (!this.emit('frame', frame)) frame.release();
  }

  #tell(event: NonNullable<ReturnType<SessionCore['pollEvent']>>): void {
    switch (event.type) {
      case 'frame':
        this.#frame(event);
        return;
      case 'path':
        this.emit('path', this.peer);
        return;
      case 'writable':
        this.emit('writable');
        return;
      case 'closed':
        this.emit('close', closeError(event.code, event.peerCode));
        return;
      default:
        this.emit(event.type, event.data);
    }
  }
}

function closeError(code: ErrorCode, peerCode: number | undefined): SessionError {
  const reason = CLOSE_REASONS[code] ?? 'the session is over';
  return peerCode === undefined
    ? new SessionError(code, reason)
    : new SessionError(code, `${reason}, with code ${peerCode}`, { peerCode });
}

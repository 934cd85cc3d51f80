import type { Socket } from 'node:dgram';
import { LIMITS } from '@millrace/protocol';
import type { Clock } from '../clock.js';
import { NodeError } from '../errors.js';
import type { NodeLimits } from '../limits.js';
import type { BytePool } from './byte-pool.js';
import type { Channel } from './channel.js';
import { DatagramQueue } from './datagram-queue.js';
import { Watchers } from './watchers.js';

/** What a {@link TargetFlow} needs besides its socket. */
export interface TargetFlowOptions {
  pool: BytePool;
  clock: Clock;
  limits: NodeLimits;
  /** Asked before each datagram: throws when the target may not be reached (any more). */
  check: () => void;
}

/**
 * One UDP association with one target. What is lost on the way is lost, as everywhere with UDP: a full queue drops its
 * oldest datagram, a port that nobody listens on answers nothing, and both are no failure of the flow.
 */
export class TargetFlow implements Channel {
  readonly kind = 'flow';
  readonly watchers: Watchers;
  readonly failure = undefined;
  usedAt: number;
  readonly #socket: Socket;
  readonly #options: TargetFlowOptions;
  readonly #received: DatagramQueue;
  readonly #gone: Promise<void>;
  #bytesUp = 0;
  #bytesDown = 0;
  #closed = false;

  /** Takes over a socket that is connected to its target, so that the system drops what others send to it. */
  constructor(socket: Socket, options: TargetFlowOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#received = new DatagramQueue(options.limits);
    this.usedAt = options.clock.now();
    this.watchers = new Watchers(options.limits.maxWatchers);
    this.#gone = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('message', (datagram) => this.#onMessage(datagram));
    // ICMP errors such as "port unreachable" come here. They are hints, not the end of a flow.
    socket.on('error', () => {});
  }

  get bytesUp(): number {
    return this.#bytesUp;
  }

  get bytesDown(): number {
    return this.#bytesDown;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get readable(): boolean {
    return this.#received.count > 0 || this.#closed;
  }

  /**
   * Sends one datagram, or drops and counts it when too many wait to be sent.
   * @throws NodeError `MESSAGE_INVALID` when it is larger than UDP carries, `STREAM_CLOSED`, or what `check` throws.
   */
  send(datagram: Buffer): void {
    if (this.#closed) throw new NodeError('STREAM_CLOSED', 'the flow was closed here');
    if (datagram.length > LIMITS.maxDatagramBytes) {
      throw new NodeError('MESSAGE_INVALID', `d: a datagram has at most ${LIMITS.maxDatagramBytes} bytes`);
    }
    this.#options.check();
    this.usedAt = this.#options.clock.now();
    if (this.#socket.getSendQueueCount() >= this.#options.limits.maxFlowSending) {
      this.#received.countDropped(1);
      return;
    }
    this.#bytesUp += datagram.length;
    this.#socket.send(datagram, (error) => {
      if (error) this.#received.countDropped(1);
    });
  }

  /** Removes datagrams, each whole, of up to `maxBytes` together. They stay counted in the pool, as bytes of streams do. */
  take(maxBytes: number): Buffer[] {
    return this.#received.take(maxBytes);
  }

  /** Datagrams dropped in either direction since this was asked last. */
  takeDropped(): number {
    return this.#received.takeDropped();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#options.pool.give(this.#received.clear());
      this.#socket.close();
      this.watchers.wake();
    }
    return this.#gone;
  }

  cut(): Promise<void> {
    return this.close();
  }

  #onMessage(datagram: Buffer): void {
    if (this.#closed) return;
    const { pool, clock, limits } = this.#options;
    this.usedAt = clock.now();
    this.#bytesDown += datagram.length;
    const starving = pool.full && this.#received.bytes + datagram.length > limits.floorBytes;
    pool.take(this.#received.push(datagram, starving));
    this.watchers.wake();
  }
}

import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { targetError } from '../egress/platform-errors.js';
import { NodeError } from '../errors.js';
import type { NodeLimits } from '../limits.js';
import type { BytePool } from './byte-pool.js';
import { ByteQueue } from './byte-queue.js';
import type { Channel } from './channel.js';
import { SendQueue } from './send-queue.js';
import { confirmEnd, resetSocket } from './socket-ends.js';
import { Watchers } from './watchers.js';

/** What a {@link TargetStream} needs besides its socket. */
export interface TargetStreamOptions {
  pool: BytePool;
  clock: Clock;
  limits: NodeLimits;
}

/**
 * One TCP connection to a target: bytes in both directions, each with its own end, bounded on both sides. Which level of
 * the wire uses it, it does not know.
 */
export class TargetStream implements Channel {
  readonly kind = 'stream';
  readonly watchers: Watchers;
  usedAt: number;
  readonly #socket: Socket;
  readonly #options: TargetStreamOptions;
  readonly #received = new ByteQueue();
  readonly #sendQueue: SendQueue;
  /** Resolves when nobody can use the stream any more: it was closed here, or its socket is gone. */
  readonly over: Promise<void>;
  readonly #gone: Promise<void>;
  #bytesUp = 0;
  #bytesDown = 0;
  #ended = false;
  #writesEnded = false;
  #failure: NodeError | undefined;
  #closed = false;
  #paused = false;
  #leaveRoomQueue: (() => void) | undefined;
  #tellOver = (): void => {};

  /** Takes over a connected socket that was made with `allowHalfOpen` and from which nothing was read yet. */
  constructor(socket: Socket, options: TargetStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.usedAt = options.clock.now();
    this.watchers = new Watchers(options.limits.maxWatchers);
    this.#sendQueue = new SendQueue({
      ...options,
      send: (piece, sent) => socket.write(piece, sent),
      onStall: (error) => this.#fail(error),
    });
    this.over = new Promise((resolve) => (this.#tellOver = resolve));
    this.#gone = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#fail(targetError(error)));
    socket.on('close', () => this.#onGone());
  }

  get bytesUp(): number {
    return this.#bytesUp;
  }

  get bytesDown(): number {
    return this.#bytesDown;
  }

  get failure(): NodeError | undefined {
    return this.#failure;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The target has ended its side cleanly; what it sent before may still be here. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes received that nobody took yet. */
  get buffered(): number {
    return this.#received.length;
  }

  get readable(): boolean {
    return this.#received.length > 0 || this.#ended || this.#failure !== undefined || this.#closed;
  }

  /** Nothing more comes in for now: the bound is reached, or there is nothing more to come. */
  get full(): boolean {
    return (
      this.#paused ||
      this.#received.length >= this.#options.limits.maxStreamDrainBytes ||
      this.#ended ||
      this.#failure !== undefined
    );
  }

  /**
   * Removes up to `maxBytes` of what was received. They stay counted in the pool: whoever took them gives them back there
   * once they have left memory.
   */
  take(maxBytes: number): Buffer {
    const bytes = this.#received.take(maxBytes);
    this.#regulate();
    return bytes;
  }

  /**
   * Accepts bytes for the target, in the order of the calls. Resolves at once while the target keeps up, else when it does.
   * @throws NodeError `TARGET_RESET`, `TARGET_STALLED`, or `STREAM_CLOSED` when it was closed here.
   */
  async write(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed || this.#writesEnded) throw closedHere();
    this.#bytesUp += bytes.length;
    await this.#sendQueue.write(bytes);
  }

  /** Ends this side once all accepted bytes have left; the target may go on sending. */
  async endWrites(): Promise<void> {
    this.#writesEnded = true;
    await this.#sendQueue.flushed();
    if (!this.#socket.destroyed) this.#socket.end();
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#gone;
    this.#forget();
    const { clock, limits } = this.#options;
    // What comes now is thrown away, but it is read: a socket closed over unread bytes sends a reset, which may overtake
    // the last bytes that were written.
    this.#socket.resume();
    await this.endWrites();
    const cancelLinger = clock.after(limits.closeLingerMs, () => this.#socket.destroy());
    await this.#gone;
    cancelLinger();
  }

  cut(): Promise<void> {
    if (!this.#closed) this.#forget();
    this.#sendQueue.end(closedHere());
    resetSocket(this.#socket);
    return this.#gone;
  }

  /** Marks the stream as broken for everyone who uses it, keeping it known, and resets the connection. */
  break(error: NodeError): void {
    this.#dropReceived();
    this.#fail(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    this.#bytesDown += chunk.length;
    this.#received.push(chunk);
    this.#options.pool.take(chunk.length);
    this.#regulate();
    this.watchers.wake();
  }

  #onEnd(): void {
    const end = (): void => {
      this.#ended = true;
      this.watchers.wake();
    };
    if (this.#writesEnded) return end();
    confirmEnd(this.#socket, () => this.#sendQueue.backlog > 0, end);
  }

  #onGone(): void {
    this.#leaveRoomQueue?.();
    this.#tellOver();
    if (this.#closed || (this.#ended && this.#writesEnded)) this.#sendQueue.end(closedHere());
    else this.#fail(new NodeError('TARGET_RESET', 'the connection to the target is gone'));
  }

  #fail(error: NodeError): void {
    this.#sendQueue.end(error);
    this.#failure ??= error;
    resetSocket(this.#socket);
    this.watchers.wake();
  }

  /** Stops reading at the bound of the stream, or of all streams, and goes on when both have room. */
  #regulate(): void {
    const { pool, limits } = this.#options;
    const held = this.#received.length;
    const poolSaysStop = pool.full && held >= limits.floorBytes;
    if (held >= limits.maxStreamDrainBytes || poolSaysStop) {
      this.#paused = true;
      this.#socket.pause();
      if (poolSaysStop) this.#leaveRoomQueue = pool.whenRoom(this.#regulateLater);
    } else if (this.#paused && !this.#closed) {
      this.#paused = false;
      this.#leaveRoomQueue?.();
      this.#socket.resume();
    }
  }

  /** One function per stream, so that the pool keeps it once. */
  readonly #regulateLater = (): void => this.#regulate();

  #forget(): void {
    this.#closed = true;
    this.#leaveRoomQueue?.();
    this.#dropReceived();
    this.#tellOver();
    this.watchers.wake();
  }

  #dropReceived(): void {
    this.#options.pool.give(this.#received.clear());
  }
}

const closedHere = (): NodeError => new NodeError('STREAM_CLOSED', 'the stream was closed here');

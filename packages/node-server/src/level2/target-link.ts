import type { Socket } from 'node:net';
import { targetError } from '../egress/platform-errors.js';
import { targetMemory } from '../egress/read-memory.js';
import { NodeError } from '../errors.js';
import type { Channel } from '../streams/channel.js';
import { confirmEnd, resetSocket } from '../streams/socket-ends.js';
import { Watchers } from '../streams/watchers.js';
import type { Link } from './link.js';
import { BATCH_BYTES } from './memory.js';
import type { PinnedBodies } from './pinned-bodies.js';

/** Nobody watches channels of level 2: their association drives them. */
const NO_WATCHERS = new Watchers(0);

/**
 * One TCP connection to a target, tied to a stream of the engine. It keeps nothing but what is in the middle of a step: from
 * the target one read that the engine has no room for, which stays with the socket, and towards it one batch of pieces that the
 * system has not taken.
 */
export class TargetLink implements Channel {
  readonly kind = 'stream';
  readonly watchers = NO_WATCHERS;
  readonly readable = false;
  usedAt: number;
  readonly #socket: Socket;
  readonly #link: Link;
  readonly #pins: PinnedBodies;
  readonly #gone: Promise<void>;
  #bytesUp = 0;
  #bytesDown = 0;
  /** The target has ended its side; before that, it is found out whether it really has. */
  #ended = false;
  #confirming = false;
  /** The client has ended its side. */
  #finished = false;
  /** Length of the batch that the socket keeps; 0 when there is none. */
  #batchBytes = 0;
  /** A view of each request that its pieces are views of. */
  #pinned: Uint8Array[] = [];
  #failure: NodeError | undefined;
  #closed = false;

  /** Takes over a connected socket that was made with `allowHalfOpen` and from which nothing was read yet. */
  constructor(socket: Socket, link: Link, pins: PinnedBodies) {
    this.#socket = socket;
    this.#link = link;
    this.#pins = pins;
    this.usedAt = link.clock.now();
    this.#gone = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('readable', this.sendDown);
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

  /** Memory held beside what the engine and {@link PinnedBodies} count. */
  get heldBytes(): number {
    return this.#socket.readableLength;
  }

  /** The engine has bytes for the target, or the end of them. */
  readonly sendUp = (): void => {
    const { engine, sid, clock } = this.#link;
    while (!this.#closed && !this.#finished && this.#failure === undefined && this.#batchBytes === 0) {
      const { bytes, ended } = this.#writeBatch();
      this.#bytesUp += bytes;
      this.#link.traffic.up += bytes;
      if (this.#socket.writableLength > 0) {
        // An end is read again once the system has taken what came before it.
        this.#batchBytes = bytes;
        return;
      }
      if (bytes > 0) engine.consume(sid, bytes, clock.now());
      this.#unpin();
      if (ended) return this.#endUp();
      if (bytes === 0) return;
    }
  };

  /** The target has sent something, or the engine takes bytes again. */
  readonly sendDown = (): void => {
    const { engine, sid, clock, limits, wake } = this.#link;
    while (!this.#closed) {
      const waiting = this.#socket.readableLength;
      const room = waiting === 0 ? 0 : engine.room(sid, waiting);
      // What does not fit stays with the socket, which reads no more; the engine tells when there is room. A read is not
      // taken apart while as much is on its way: what is whole need not be copied.
      if (room < waiting && (room === 0 || engine.unacknowledgedBytes(sid) > waiting)) return;
      // Reading when nothing waits makes the socket go on, or tell of the end. A length beyond what a socket keeps would let
      // it keep as much from then on: more than its share, in pieces that have to be joined for the next read.
      const part = room < waiting ? Math.min(room, limits.smallChunkBytes) : undefined;
      const bytes = this.#socket.read(part) as Buffer | null;
      if (bytes === null) return;
      this.#bytesDown += bytes.length;
      this.#link.traffic.down += bytes.length;
      engine.write(sid, bytes, clock.now(), targetMemory.give);
      wake();
    }
  };

  /** Passes a failure on once the client has what the target sent before it. The association asks until then. */
  settle(): void {
    const { engine, sid, failed } = this.#link;
    if (this.#failure === undefined || this.#closed || this.#socket.readableLength > 0) return;
    if (engine.unacknowledgedBytes(sid) === 0) failed(this.#failure.code);
  }

  /** Ends it in order: both sides have ended, or what was accepted still goes out. A target that takes nothing is cut. */
  async close(): Promise<void> {
    if (this.#closed) return this.#gone;
    this.#closed = true;
    const { clock, limits } = this.#link;
    this.#socket.removeListener('readable', this.sendDown);
    this.#socket.resume();
    this.#socket.end();
    const cancel = clock.after(limits.writeStallMs, () => resetSocket(this.#socket));
    await this.#gone;
    cancel();
  }

  cut(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#link.failed(this.#failure?.code ?? 'STREAM_CLOSED');
    }
    resetSocket(this.#socket);
    return this.#gone;
  }

  /** One function for all writes. Only the last of them can be one that was not taken at once. */
  readonly #onWritten = (error?: Error | null): void => {
    // The socket's error event says why a write failed.
    if (error || this.#batchBytes === 0 || this.#socket.writableLength > 0) return;
    const { engine, sid, clock, wake } = this.#link;
    engine.consume(sid, this.#batchBytes, clock.now());
    this.#unpin();
    this.sendUp();
    wake();
  };

  /** Hands pieces to the socket in one go, and pins them. `ended`: the client's side ends after them. */
  #writeBatch(): { bytes: number; ended: boolean } {
    const { engine, sid } = this.#link;
    let bytes = 0;
    this.#socket.cork();
    let view = engine.read(sid, this.#pins.pieceBytes);
    for (let last: ArrayBufferLike | undefined; view; view = engine.read(sid, this.#pins.pieceBytes)) {
      const piece = this.#pins.fit(view);
      bytes += piece.length;
      // Pieces of one request keep it once.
      if (piece.buffer !== last) {
        this.#pins.pin(piece);
        this.#pinned.push(piece);
      }
      last = piece.buffer;
      this.#socket.write(piece, this.#onWritten);
      if (bytes >= BATCH_BYTES || this.#pins.full) break;
    }
    this.#socket.uncork();
    return { bytes, ended: view === null };
  }

  #endUp(): void {
    this.#finished = true;
    if (!this.#confirming) this.#socket.end();
  }

  #onEnd(): void {
    const end = (): void => {
      this.#confirming = false;
      // It had to wait: once both sides have ended nothing tells an end from a reset any more.
      if (this.#finished) this.#socket.end();
      if (this.#closed) return;
      this.#ended = true;
      const { engine, sid, clock, wake } = this.#link;
      engine.finish(sid, clock.now());
      wake();
    };
    if (this.#finished) return end();
    this.#confirming = true;
    confirmEnd(this.#socket, () => this.#batchBytes > 0, end);
  }

  #onGone(): void {
    this.#unpin();
    if (!this.#closed && !(this.#ended && this.#finished))
      this.#fail(new NodeError('TARGET_RESET', 'the connection to the target is gone'));
  }

  #fail(error: NodeError): void {
    resetSocket(this.#socket);
    if (this.#closed || this.#failure !== undefined) return;
    this.#failure = error;
    this.#link.failing(this);
  }

  #unpin(): void {
    for (const view of this.#pinned.splice(0)) this.#pins.unpin(view);
    this.#batchBytes = 0;
  }
}

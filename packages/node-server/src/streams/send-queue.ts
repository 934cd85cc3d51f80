import type { Clock } from '../clock.js';
import { NodeError } from '../errors.js';
import type { NodeLimits } from '../limits.js';
import type { BytePool } from './byte-pool.js';
import { ByteQueue } from './byte-queue.js';

/** What a {@link SendQueue} needs. */
export interface SendQueueOptions {
  /** Hands one piece to the socket; `sent` is called when the system took all of it, with an error when it did not. */
  send: (piece: Buffer, sent: (error?: Error | null) => void) => void;
  /** Called once when a write waited too long: the target takes nothing any more. */
  onStall: (error: NodeError) => void;
  pool: BytePool;
  clock: Clock;
  limits: NodeLimits;
}

/**
 * Bytes on their way to a target, in the order in which `write` was called. One piece at a time is with the socket, so that
 * progress of a slow target is seen and what waits is counted exactly.
 */
export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #queue = new ByteQueue();
  /** Bytes in the queue and in the piece that is being sent. */
  #backlog = 0;
  #sending = false;
  #failure: NodeError | undefined;
  /** Settles when every earlier write was accepted. */
  #turn: Promise<void> = Promise.resolve();
  /** Called at every piece sent, and at the end. */
  #waiting = new Set<() => void>();

  constructor(options: SendQueueOptions) {
    this.#options = options;
  }

  /** Bytes accepted that the system has not taken yet. */
  get backlog(): number {
    return this.#backlog;
  }

  /**
   * Resolves when all of `bytes` is accepted, which is at once while the backlog is below its bound. The memory belongs to
   * the queue from the call on.
   * @throws NodeError `TARGET_STALLED` when the target took nothing for `writeStallMs` while this waited; else what ended the queue.
   */
  write(bytes: Buffer): Promise<void> {
    const written = this.#turn.then(() => this.#accept(bytes));
    this.#turn = written.catch(() => {});
    return written;
  }

  /** Resolves when everything accepted so far has left, or the queue has ended. A target that stalls ends it. */
  async flushed(): Promise<void> {
    await this.#turn;
    while (this.#backlog > 0 && this.#failure === undefined) await this.#progressOrStall();
  }

  /** Ends the queue: what waits is forgotten, writes throw `error`. Only the first call counts. */
  end(error: NodeError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#queue.clear();
    this.#options.pool.give(this.#backlog);
    this.#backlog = 0;
    this.#wake();
  }

  async #accept(bytes: Buffer): Promise<void> {
    const { pool, limits } = this.#options;
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#failure !== undefined) throw this.#failure;
      const bound = pool.full ? limits.floorBytes : limits.maxWriteBacklogBytes;
      const room = bound - this.#backlog;
      if (room <= 0) {
        await this.#progressOrStall();
        continue;
      }
      const piece = bytes.subarray(offset, offset + room);
      offset += piece.length;
      this.#backlog += piece.length;
      pool.take(piece.length);
      this.#queue.push(piece);
      this.#pump();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #pump(): void {
    if (this.#sending || this.#queue.length === 0) return;
    this.#sending = true;
    const piece = this.#queue.take(this.#options.limits.writePieceBytes);
    this.#options.send(piece, (error) => {
      this.#sending = false;
      if (this.#failure !== undefined) return;
      // The socket's own error event says why, and ends the queue.
      if (error) return;
      this.#backlog -= piece.length;
      this.#options.pool.give(piece.length);
      this.#pump();
      this.#wake();
    });
  }

  /** Resolves at the next piece sent, or at the end, which a target brings about that takes nothing for too long. */
  async #progressOrStall(): Promise<void> {
    const { clock, limits, onStall } = this.#options;
    const cancel = clock.after(limits.writeStallMs, () => {
      const error = new NodeError('TARGET_STALLED', `the target took no byte for ${limits.writeStallMs} ms`);
      this.end(error);
      onStall(error);
    });
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
    cancel();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

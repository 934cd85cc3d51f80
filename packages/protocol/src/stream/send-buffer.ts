import { ChunkList, type Released } from './chunk-list.js';
import { Ranges } from './ranges.js';

/** One piece to send: bytes at `from`, and whether the stream ends after them. */
export interface SendPiece {
  from: number;
  bytes: Uint8Array;
  fin: boolean;
}

const NO_BYTES = new Uint8Array(0);

/**
 * The bytes that an application wrote and the peer has not acknowledged, each kept once. Framing is chosen anew every
 * time a piece is taken. The end takes the position after the last byte. Only `acknowledge` deletes (R2).
 */
export class SendBuffer {
  readonly #bytes = new ChunkList();
  /** Positions that were sent and have to be sent again; never below `acked`. */
  readonly #lost: Ranges;
  #acked = 0;
  #sent = 0;
  #finished = false;

  /** `maxLostRanges`: ranges to send again that are told apart; more are joined, and a little too much is sent. */
  constructor(maxLostRanges: number) {
    this.#lost = new Ranges(maxLostRanges, 'join');
  }

  /** Next position that the peer expects. */
  get acked(): number {
    return this.#acked;
  }

  /** Position after all that was ever sent, the end included. */
  get sent(): number {
    return this.#sent;
  }

  /** Position after the last byte written. */
  get end(): number {
    return this.#bytes.end;
  }

  /** No more is written. */
  get finished(): boolean {
    return this.#finished;
  }

  /** The peer has everything, the end included. */
  get done(): boolean {
    return this.#finished && this.#acked === this.end + 1;
  }

  /** Memory held. */
  get pinnedBytes(): number {
    return this.#bytes.pinnedBytes;
  }

  get lostRanges(): number {
    return this.#lost.count;
  }

  /** Bytes and end that may be sent now where the peer allows positions below `limit`. */
  sendable(limit: number): number {
    const fresh = Math.max(0, Math.min(this.end, limit) - this.#sent);
    const end = this.#finished && this.#sent + fresh === this.end ? 1 : 0;
    return this.#lost.total + fresh + end;
  }

  /** There are bytes that were never sent and that `limit` keeps back. */
  blocked(limit: number): boolean {
    return this.#sent < this.end && this.#sent >= limit;
  }

  /**
   * Keeps a view of `bytes`, which must not change any more, until `released` is told of it. Small pieces, and slices of
   * large buffers, are copied.
   */
  write(bytes: Uint8Array, released?: Released): void {
    this.#bytes.append(bytes, true, released);
  }

  /** The stream ends after what was written. */
  finish(): void {
    this.#finished = true;
  }

  /** The next piece of at most `max` bytes: lost ones first, then fresh ones below `limit`. The end is free of credit. */
  take(max: number, limit: number): SendPiece | undefined {
    const lost = this.#lost.first;
    const from = lost?.from ?? this.#sent;
    const stop = lost === undefined ? Math.min(this.end, limit) : Math.min(lost.to, this.end);
    const bytes = from < stop ? this.#bytes.view(from, Math.min(max, stop - from)) : NO_BYTES;
    if (bytes === undefined || (from < stop && bytes.length === 0)) return undefined;
    const to = from + bytes.length;
    const fin = this.#finished && to === this.end && (lost === undefined ? this.#sent <= to : lost.to > to);
    if (to === from && !fin) return undefined;
    const position = fin ? to + 1 : to;
    if (lost !== undefined) this.#lost.remove(from, position);
    else this.#sent = position;
    return { from, bytes, fin };
  }

  /** What was sent from `from` up to `to` (the end included) is to be sent again, as far as it is not acknowledged. */
  lose(from: number, to: number): void {
    this.#lost.add(Math.max(from, this.#acked), Math.min(to, this.#sent));
  }

  /** A copy arrived after all: what was to be sent again need not be, until the peer's ack says otherwise. */
  arrived(from: number, to: number): void {
    this.#lost.remove(from, to);
  }

  /** The peer expects `position` next. False: it never was sent. Lower ones than before change nothing. */
  acknowledge(position: number): boolean {
    if (position > this.#sent) return false;
    if (position <= this.#acked) return true;
    this.#acked = position;
    this.#lost.remove(0, position);
    this.#bytes.release(position);
    return true;
  }

  /** Gives back what pieces that were acknowledged in part hold. To be called when the rest has to wait. */
  trim(): void {
    this.#bytes.trim(this.#acked);
  }

  /** Forgets everything: the stream was reset. */
  clear(): void {
    this.#bytes.clear();
    this.#lost.clear();
  }
}

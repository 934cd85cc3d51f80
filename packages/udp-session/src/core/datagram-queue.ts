import { copied } from './bytes.js';
import type { Earliest } from './earliest.js';
import { COPY_AFTER_MS } from './event-sender.js';
import type { SessionStats } from './stats.js';

/** Most datagrams, and bytes of them, that wait to be sent; the oldest are dropped for newer ones. */
const MAX_QUEUED = 1024;
const MAX_QUEUED_BYTES = 2 ** 20;
/** Datagrams up to this size are sent twice when packets get lost; larger ones should be frames. */
const COPIED_BYTES = 256;
const MAX_COPIES = 256;

export interface OutgoingDatagram {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly dueAt: number;
  readonly isCopy: boolean;
}

/** Datagrams on their way: sent once, small ones again a little later while packets get lost. */
export class DatagramQueue {
  readonly #stats: SessionStats;
  readonly #first: OutgoingDatagram[] = [];
  readonly #copies: OutgoingDatagram[] = [];
  #bytes = 0;
  #next = 0;

  constructor(stats: SessionStats) {
    this.#stats = stats;
  }

  /** Takes a datagram; its bytes are copied. */
  submit(bytes: Uint8Array, now: number): void {
    while (
      this.#first.length > 0 &&
      (this.#first.length >= MAX_QUEUED || this.#bytes + bytes.length > MAX_QUEUED_BYTES)
    ) {
      this.#bytes -= this.#first.shift()!.bytes.length;
      this.#stats.datagramsDropped++;
    }
    this.#first.push({ id: this.#next++, bytes: copied(bytes), dueAt: now, isCopy: false });
    this.#bytes += bytes.length;
  }

  /** The next datagram that is to be sent now and has at most `maxBytes`: it counts as sent. */
  take(now: number, maxBytes: number, copies: number): OutgoingDatagram | undefined {
    const due =
      this.#first[0] ?? (this.#copies[0] !== undefined && this.#copies[0].dueAt <= now ? this.#copies[0] : undefined);
    if (due === undefined || due.bytes.length > maxBytes) return undefined;
    if (due.isCopy) {
      this.#copies.shift();
      this.#stats.copiesSent++;
      return due;
    }
    this.#first.shift();
    this.#bytes -= due.bytes.length;
    this.#stats.datagramsSent++;
    if (copies > 0 && due.bytes.length <= COPIED_BYTES && this.#copies.length < MAX_COPIES) {
      this.#copies.push({ id: due.id, bytes: due.bytes, dueAt: now + COPY_AFTER_MS, isCopy: true });
    }
    return due;
  }

  /** Whether a datagram is to be sent now. */
  isDue(now: number): boolean {
    return this.#first.length > 0 || (this.#copies.length > 0 && this.#copies[0]!.dueAt <= now);
  }

  get isEmpty(): boolean {
    return this.#first.length === 0 && this.#copies.length === 0;
  }

  /** Adds when the next datagram is due. */
  addTime(earliest: Earliest): void {
    earliest.add(this.#first[0]?.dueAt ?? this.#copies[0]?.dueAt);
  }

  /** Drops waiting datagrams larger than a packet bears now. */
  dropLarger(maxBytes: number): void {
    while (this.#first[0] !== undefined && this.#first[0].bytes.length > maxBytes) {
      this.#bytes -= this.#first.shift()!.bytes.length;
      this.#stats.datagramsDropped++;
    }
  }
}

import type { Stream } from './stream.js';

/** Bytes that a stream may send before the next one's turn, at least; more where few streams share a large packet. */
const LEAST_QUANTUM_BYTES = 16_384;
const MOST_QUANTUM_BYTES = 1_048_576;
/** A turn ends when less than this is left of it. */
const LEAST_TURN_BYTES = 512;

/** Fewer bytes than this are no place for a segment. */
const LEAST_ROOM_BYTES = 512;

/**
 * Writes a segment of at most `room` bytes, at most `maxBytes` of them the stream's; gives its cost, 0 when nothing
 * fitted. Must call `update` for the stream.
 */
export type WriteSegment = (stream: Stream, room: number, maxBytes: number) => number;

/**
 * Who may send next (R14). Opens, results, resets, questions, first bytes and small streams go first, acks and credits
 * go along, bulk is shared by deficit round robin (Shreedhar and Varghese, 1995). `update` is called whenever
 * a stream may have changed, and is the only place that decides what is pending, so nothing pending is left out.
 */
export class Scheduler {
  readonly #first = new Set<Stream>();
  readonly #along = new Set<Stream>();
  readonly #ring = new Set<Stream>();
  #bulk = 0;
  #rush = 0;
  #small = 0;

  /** Something should leave at once. */
  get urgent(): boolean {
    return this.#first.size > 0 || this.#rush > 0;
  }

  /** Something small should leave at once, whatever bulk has to wait for. */
  get presses(): boolean {
    return this.#first.size > 0;
  }

  /** Bytes that may linger. */
  get bulkBytes(): number {
    return this.#bulk;
  }

  /** Bytes of all streams that may be sent now. */
  get waitingBytes(): number {
    return this.#bulk + this.#small;
  }

  /** Acks or credits wait. */
  get hasAlong(): boolean {
    return this.#along.size > 0;
  }

  /** Bytes or datagrams wait, or something that should leave at once. */
  get hasContent(): boolean {
    return this.#first.size + this.#ring.size > 0;
  }

  /** Puts a stream where it belongs now. */
  update(stream: Stream): void {
    const sendable = stream.sendable;
    const late = stream.endsLate;
    const small = sendable > 0 && !late && stream.goesFirst;
    place(this.#first, stream, stream.urgent || small || (stream.flow !== undefined && stream.flow.outgoing.count > 0));
    place(this.#along, stream, stream.needsAck || stream.needsCredit || late);
    place(this.#ring, stream, sendable > 0 && !small && !late);
    const bulk = small || late ? 0 : sendable;
    if (bulk === 0) stream.deficit = 0;
    this.#bulk += bulk - stream.countedBulk;
    stream.countedBulk = bulk;
    const few = small ? sendable : 0;
    this.#small += few - stream.countedSmall;
    stream.countedSmall = few;
    const rush = bulk > 0 && stream.send.finished;
    if (rush !== stream.countedRush) this.#rush += rush ? 1 : -1;
    stream.countedRush = rush;
  }

  /** Fills a packet of `room` bytes, by `write`; with bulk where it may go along. */
  fill(room: number, bulk: boolean, write: WriteSegment): void {
    const shared = bulk && this.#ring.size > 0;
    // What goes first may not shut bulk out, however much of it there is.
    let left = room - this.#drain(this.#first, shared ? Math.ceil(room / 2) : room, write, true);
    left -= this.#drain(this.#along, shared ? Math.ceil(left / 4) : left, write, false);
    if (bulk) left -= this.#fillBulk(left, write);
    this.#drain(this.#first, left, write, true);
  }

  #drain(set: Set<Stream>, room: number, write: WriteSegment, bytes: boolean): number {
    let left = room;
    for (const stream of set) {
      const cost = write(stream, left, bytes ? stream.firstBytes : Number(stream.endsLate));
      if (cost === 0) break;
      left -= cost;
      // To the back: a set hands out what is added again in the same walk.
      if (set.delete(stream)) this.update(stream);
    }
    return room - left;
  }

  #fillBulk(room: number, write: WriteSegment): number {
    let left = room;
    const quantum = Math.min(MOST_QUANTUM_BYTES, Math.max(LEAST_QUANTUM_BYTES, room / (2 * this.#ring.size)));
    for (const stream of this.#ring) {
      if (left < LEAST_ROOM_BYTES) break;
      if (stream.deficit < LEAST_TURN_BYTES) stream.deficit += quantum;
      while (this.#ring.has(stream) && stream.deficit >= LEAST_TURN_BYTES) {
        const cost = write(stream, left, stream.deficit);
        if (cost === 0) return room - left;
        left -= cost;
        stream.deficit -= cost;
      }
      if (this.#ring.delete(stream)) this.#ring.add(stream);
    }
    return room - left;
  }
}

function place(set: Set<Stream>, stream: Stream, belongs: boolean): void {
  if (belongs) set.add(stream);
  else set.delete(stream);
}

/** Pieces longer than this are kept as several, so that memory is given back as it is used up. */
const MAX_CHUNK_BYTES = 65_536;
/** Pieces shorter than this are copied together: each piece costs an object whatever its length. */
const SMALL_BYTES = 2048;
/** Room of a buffer that collects small pieces. */
const TAIL_BYTES = 4096;
/** A view has to be at least this share of the buffer below it, or it is copied. */
const VIEW_SHARE = 15 / 16;
/** Bookkeeping and unused room are bounded by this much, and this share of what is held. */
export const LIST_SLACK_BYTES = 4096;
export const LIST_SLACK_SHARE = 1 / 16;
/** What one piece costs beside its bytes: object, view and its place in the list. */
export const CHUNK_COST_BYTES = 192;

const NO_BYTES = new Uint8Array(0);

interface Chunk {
  from: number;
  bytes: Uint8Array;
  /** Bytes of memory that this chunk answers for; above `bytes.length` where a buffer has room for more. */
  capacity: number;
  /** Where a buffer of our own can still grow. */
  room: Uint8Array | undefined;
  settled: boolean;
  /** To be told once its bytes are let go. */
  released?: Released | undefined;
}

/** Hears that bytes it had given away are not used any more. */
export type Released = (bytes: Uint8Array) => void;

/**
 * Contiguous bytes by absolute position, kept as the views that came in, without copying. Small pieces are copied
 * together. A view that is only a part of the buffer below it would keep all of that alive: such views are
 * replaced by copies in `settle()`, which the owner calls before it takes the next packet, or at once where `own` is set.
 */
export class ChunkList {
  #chunks: Chunk[] = [];
  #head = 0;
  /** Pieces from the first one on that may not be settled. */
  #fresh = 0;
  #end: number;
  #pinned = 0;

  /** An empty list whose first byte will have the position `start`. */
  constructor(start = 0) {
    this.#end = start;
  }

  /** Position of the first byte held, or `end` when none is. */
  get start(): number {
    return this.#chunks[this.#head]?.from ?? this.#end;
  }

  /** Position after the last byte. */
  get end(): number {
    return this.#end;
  }

  /** Memory held, bookkeeping included. */
  get pinnedBytes(): number {
    return this.#pinned;
  }

  /**
   * Adds bytes at the end. `own`: copy at once what would keep a larger buffer alive. `released` is told when `bytes` are
   * not used any more, which may be now; never after `clear`, and never of more than fit into one piece.
   */
  append(bytes: Uint8Array, own = false, released?: Released): void {
    if (bytes.length > 0 && bytes.length < SMALL_BYTES) {
      this.#appendSmall(bytes);
      released?.(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
      const view = bytes.length <= MAX_CHUNK_BYTES ? bytes : bytes.subarray(at, at + MAX_CHUNK_BYTES);
      const kept = own && view.length < view.buffer.byteLength * VIEW_SHARE ? copyOf(view) : view;
      const toTell = kept === bytes ? released : undefined;
      this.#push({
        from: this.#end,
        bytes: kept,
        capacity: kept.length,
        room: undefined,
        settled: own,
        released: toTell,
      });
      if (kept !== view && view === bytes) released?.(bytes);
    }
  }

  /** A view of at most `max` bytes at `position`, never across two pieces; undefined outside the bytes held. */
  view(position: number, max: number): Uint8Array | undefined {
    const chunk = this.#chunks[this.#find(position)];
    if (chunk === undefined || position < chunk.from || position >= this.#end) return undefined;
    const skip = position - chunk.from;
    if (skip === 0 && chunk.bytes.length <= max) return chunk.bytes;
    return chunk.bytes.subarray(skip, Math.min(chunk.bytes.length, skip + max));
  }

  /** Lets go of all pieces that lie wholly below `position`. */
  release(position: number): void {
    const chunks = this.#chunks;
    while (this.#head < chunks.length) {
      const chunk = chunks[this.#head]!;
      if (chunk.from + chunk.bytes.length > position) break;
      this.#pinned -= chunk.capacity + CHUNK_COST_BYTES;
      chunk.released?.(chunk.bytes);
      // The list is shortened later; the memory is given back now.
      chunk.bytes = NO_BYTES;
      chunk.room = undefined;
      this.#head++;
    }
    if (this.#head > 32 && this.#head * 2 > chunks.length) {
      this.#chunks = chunks.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
    }
  }

  /** Lets go of all bytes below `position`: what is left of the first piece is copied. */
  trim(position: number): void {
    this.release(position);
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined || chunk.from >= position) return;
    const rest = copyOf(chunk.bytes.subarray(position - chunk.from));
    chunk.released?.(chunk.bytes);
    this.#pinned += rest.length - chunk.capacity;
    this.#chunks[this.#head] = { from: position, bytes: rest, capacity: rest.length, room: undefined, settled: true };
  }

  /** Takes over what `other` holds from the own end on; `other` is empty after it. */
  absorb(other: ChunkList): void {
    for (let index = other.#head; index < other.#chunks.length; index++) {
      const chunk = other.#chunks[index]!;
      const skip = this.#end - chunk.from;
      if (skip >= chunk.bytes.length) continue;
      if (skip > 0) chunk.bytes = chunk.bytes.subarray(skip);
      if (chunk.bytes.length < SMALL_BYTES) this.#appendSmall(chunk.bytes);
      else this.#push({ ...chunk, from: this.#end, room: undefined });
    }
    other.clear();
  }

  /** Copies what would keep a larger buffer alive. To be called before the next packet is taken. */
  settle(): void {
    const chunks = this.#chunks;
    for (let index = Math.max(this.#head, chunks.length - this.#fresh); index < chunks.length; index++) {
      const chunk = chunks[index]!;
      if (!chunk.settled && chunk.bytes.length < chunk.bytes.buffer.byteLength * VIEW_SHARE) {
        chunk.bytes = copyOf(chunk.bytes);
      }
      chunk.settled = true;
    }
    this.#fresh = 0;
  }

  /** What is held beyond the bytes themselves, above what is allowed. */
  get excessBytes(): number {
    const bytes = this.#end - this.start;
    return this.#pinned - bytes - bytes * LIST_SLACK_SHARE - LIST_SLACK_BYTES;
  }

  /** Copies everything into as few pieces as possible. */
  compact(): void {
    const { start } = this;
    const bytes = new Uint8Array(this.#end - start);
    for (const chunk of this.#chunks.slice(this.#head)) bytes.set(chunk.bytes, chunk.from - start);
    this.clear();
    for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
      const piece = bytes.slice(at, at + MAX_CHUNK_BYTES);
      this.#push({ from: start + at, bytes: piece, capacity: piece.length, room: undefined, settled: true });
    }
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#fresh = 0;
    this.#pinned = 0;
  }

  #push(chunk: Chunk): void {
    this.#chunks.push(chunk);
    if (!chunk.settled || this.#fresh > 0) this.#fresh++;
    this.#end = chunk.from + chunk.bytes.length;
    this.#pinned += chunk.capacity + CHUNK_COST_BYTES;
  }

  #appendSmall(bytes: Uint8Array): void {
    const tail = this.#head < this.#chunks.length ? this.#chunks.at(-1) : undefined;
    const used = tail?.bytes.length ?? 0;
    if (tail?.room !== undefined && tail.room.length - used >= bytes.length) {
      tail.room.set(bytes, used);
      tail.bytes = tail.room.subarray(0, used + bytes.length);
      this.#end += bytes.length;
      return;
    }
    // A first small piece gets little room, one after another full buffer gets more.
    const room = new Uint8Array(tail?.room === undefined ? Math.max(256, bytes.length) : TAIL_BYTES);
    room.set(bytes);
    this.#push({ from: this.#end, bytes: room.subarray(0, bytes.length), capacity: room.length, room, settled: true });
  }

  #find(position: number): number {
    let low = this.#head;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#chunks[middle]!.from <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Not `slice`, which copies nothing where the bytes are a Buffer. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

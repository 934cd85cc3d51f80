/** Bytes that an application has written and that are not sent yet. Bounded: a write waits until its bytes are taken in. */
import { CLIENT_LIMITS } from '../limits.js';
import { Deferred } from './deferred.js';
import { mayKeep } from './given-away.js';

/** How many of `wanted` bytes more may be taken in now; undefined where the queue's own bound counts. */
type Room = (wanted: number) => number | undefined;

export class UploadQueue {
  readonly #chunks: Uint8Array[] = [];
  readonly #onChange: () => void;
  readonly #roomFor: Room;
  #bytes = 0;
  #taken = 0;
  #ended = false;
  #dropped = false;
  #failure: { error: unknown } | undefined;
  #room: Deferred<void> | undefined;
  /** A write waits for room now. */
  #waiting = false;
  /** When the last write that had to wait is done; undefined when none had to. */
  #last: Promise<void> | undefined;

  /** `onChange` is called when there are bytes, or an end, that were not there before. */
  constructor(onChange: () => void, room: Room = () => undefined) {
    this.#onChange = onChange;
    this.#roomFor = room;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that were taken out so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The application has ended its side, and nothing waits any more. */
  get drained(): boolean {
    return this.#ended && this.#bytes === 0;
  }

  /** Something may be missing at the end: it was not ended, but dropped. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /**
   * Takes in a chunk, which is copied unless it was given away. Resolves when all of it is in; rejects when the stream fails
   * meanwhile. Writes are taken in one after the other, also when a later one would fit where an earlier one waits.
   */
  write(chunk: Uint8Array): Promise<void> {
    const kept = mayKeep(chunk);
    const before = this.#last;
    const written = before === undefined ? this.#takeIn(chunk, kept) : before.then(() => this.#takeIn(chunk, kept));
    if (before === undefined && !this.#waiting) return written;
    const done = (): void => {
      if (this.#last === last) this.#last = undefined;
    };
    const last = written.then(done, done);
    this.#last = last;
    return written;
  }

  async #takeIn(chunk: Uint8Array, kept: boolean): Promise<void> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ended) return;
      const room = this.#roomFor(rest.byteLength) ?? CLIENT_LIMITS.maxUnsentBytes - this.#bytes;
      if (room <= 0) {
        this.#room ??= new Deferred();
        this.#waiting = true;
        await this.#room.promise;
        this.#waiting = false;
        continue;
      }
      const part = rest.subarray(0, room);
      rest = rest.subarray(part.byteLength);
      // Not `slice`, which copies nothing of a Buffer; and a plain view, which behaves alike whatever it came as.
      this.#chunks.push(kept ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength) : new Uint8Array(part));
      this.#bytes += part.byteLength;
      this.#onChange();
    }
  }

  /** Takes up to `maxBytes` out, joined; undefined when nothing waits. */
  take(maxBytes: number): Uint8Array | undefined {
    const first = this.#chunks[0];
    if (first === undefined || maxBytes <= 0) return undefined;
    const size = Math.min(maxBytes, this.#bytes);
    const out = first.byteLength === size ? first : this.#join(size);
    if (out === first) this.#chunks.shift();
    this.#bytes -= size;
    this.#taken += size;
    this.wake();
    return out;
  }

  /** There may be room again. */
  wake(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** The application ends its side; what waits is still sent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onChange();
  }

  /** Nothing more is sent, also of what waits. Writes that wait resolve. */
  drop(): void {
    this.#dropped ||= !this.#ended;
    this.#ended = true;
    this.#clear();
    this.#onChange();
  }

  /** The stream failed. Writes that wait reject. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#ended = true;
    this.#clear();
  }

  #clear(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.wake();
  }

  #join(size: number): Uint8Array {
    const out = new Uint8Array(size);
    let filled = 0;
    let whole = 0;
    for (const chunk of this.#chunks) {
      const room = size - filled;
      if (chunk.byteLength > room) {
        out.set(chunk.subarray(0, room), filled);
        this.#chunks[whole] = chunk.subarray(room);
        break;
      }
      out.set(chunk, filled);
      filled += chunk.byteLength;
      whole += 1;
      if (filled === size) break;
    }
    this.#chunks.splice(0, whole);
    return out;
  }
}

/** Longest time for which bytes wait before a link: enough that a late timer does not leave it idle. */
export const MAX_AHEAD_MS = 20;
/** Bytes that take their turn at once: so many as pass in this time, within these bounds. */
const PIECE_MS = 4;
const MIN_PIECE_BYTES = 1_460;
const MAX_PIECE_BYTES = 65_536;

/** One direction of a link with a rate, which all connections share. Bytes take their turn in order. */
export class Pacer {
  readonly #bytesPerMs: number;
  /** When it has sent all that it was given. */
  #freeMs = 0;

  /** @param rateMbps megabits a second; 0 is without limit */
  constructor(rateMbps: number) {
    this.#bytesPerMs = rateMbps * 125;
  }

  get limited(): boolean {
    return this.#bytesPerMs > 0;
  }

  /** Megabytes a second; undefined is without limit. */
  get MBps(): number | undefined {
    return this.limited ? this.#bytesPerMs / 1_000 : undefined;
  }

  /** How many bytes to send at once, so that others get their turn between them. */
  get pieceBytes(): number {
    if (!this.limited) return Number.POSITIVE_INFINITY;
    return Math.ceil(Math.min(Math.max(this.#bytesPerMs * PIECE_MS, MIN_PIECE_BYTES), MAX_PIECE_BYTES));
  }

  /** Sends bytes that are there at `nowMs`. Returns when the last of them is sent. */
  send(bytes: number, nowMs: number): number {
    if (!this.limited) return nowMs;
    this.#freeMs = Math.max(this.#freeMs, nowMs) + bytes / this.#bytesPerMs;
    return this.#freeMs;
  }

  /** From when on more bytes may be given to it. */
  get roomMs(): number {
    return this.#freeMs - MAX_AHEAD_MS;
  }
}

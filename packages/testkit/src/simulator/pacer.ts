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
  /** Those who wait for their turn, in order. */
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

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

  /** Nobody waits, and there is room. */
  get isFree(): boolean {
    return !this.limited || (this.#waiting.size === 0 && this.roomMs <= performance.now());
  }

  /**
   * Calls `turn` when there is room, after those who asked before: each may then send one piece. With timers of their own
   * some would be late each time, and never get a turn. Gives how to take it back.
   */
  whenRoom(turn: () => void): () => void {
    this.#waiting.add(turn);
    this.#arm();
    return () => {
      this.#waiting.delete(turn);
      if (this.#waiting.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    const waitMs = this.limited ? this.roomMs - performance.now() : 0;
    this.#timer = setTimeout(() => this.#serve(), Math.max(0, waitMs));
  }

  #serve(): void {
    this.#timer = undefined;
    while (!this.limited || this.roomMs <= performance.now()) {
      const [turn] = this.#waiting;
      if (turn === undefined) return;
      this.#waiting.delete(turn);
      turn();
    }
    this.#arm();
  }

  /** From when on more bytes may be given to it. */
  get roomMs(): number {
    return this.#freeMs - MAX_AHEAD_MS;
  }
}

/** Bytes that many streams share beyond their floors. */
export class Budget {
  readonly totalBytes: number;
  #used = 0;
  /** Streams that use more than their floor: the budget is divided among them. */
  claims = 0;

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get freeBytes(): number {
    return Math.max(0, this.totalBytes - this.#used);
  }

  /** Records that a share changed from `before` to `after`. */
  change(before: number, after: number): void {
    this.#used += after - before;
  }
}

/** Share of the free budget that one more grant to a stream may take; the rest stays for others. */
const GRANT_SHARE = 0.5;
/** Share of the free budget in a stream's first grant, before it has shown that it moves anything. */
const FIRST_SHARE = 1 / 64;
/** Share of the free budget in the grant of a stream that begins to move much. */
const BULK_SHARE = 1 / 4;

export interface CreditOptions {
  floorBytes: number;
  ceilingBytes: number;
  firstGrantBytes: number;
  bulkGrantBytes: number;
}

/**
 * Up to which position the peer may send on one stream. Every stream may always have `floorBytes` beyond what its
 * application has used up; what goes beyond the floor is taken from a budget that all share, so that the sum of all
 * promises is bounded and stalled readers cannot take the floor from others (R9). Promises only grow. A stream begins with
 * little beyond the floor, since most never need it and what was promised stays promised; one that moves more than the
 * floor gets much at once, and its window doubles while the application uses up half of it within four round trips.
 */
export class ReceiveCredit {
  readonly #budget: Budget;
  readonly #options: CreditOptions;
  #limit: number;
  #announced: number;
  #window: number;
  #consumed = 0;
  #extra = 0;
  #sinceTuned = 0;
  #tunedAt = 0;
  #claims = false;

  constructor(budget: Budget, options: CreditOptions) {
    this.#budget = budget;
    this.#options = options;
    this.#limit = options.floorBytes;
    this.#announced = options.floorBytes;
    this.#window = options.floorBytes;
  }

  /** The position promised. */
  get limit(): number {
    return this.#limit;
  }

  /** The position that the peer was last told. */
  get announced(): number {
    return this.#announced;
  }

  get windowBytes(): number {
    return this.#window;
  }

  /** It has moved more than its floor. */
  get isBulk(): boolean {
    return this.#claims;
  }

  /** The first grant beyond the floor. */
  open(): void {
    const share = Math.floor(this.#budget.freeBytes * FIRST_SHARE);
    const { ceilingBytes, floorBytes, firstGrantBytes } = this.#options;
    this.#window = Math.min(ceilingBytes, floorBytes + Math.min(share, firstGrantBytes));
    this.#raise();
  }

  /** The peer's bytes arrived up to `position`. */
  received(position: number): void {
    if (this.#claims || position < this.#options.floorBytes) return;
    this.#claims = true;
    this.#budget.claims++;
    const { ceilingBytes, floorBytes, bulkGrantBytes } = this.#options;
    const share = Math.min(bulkGrantBytes, Math.floor(this.#budget.freeBytes * BULK_SHARE));
    this.#window = Math.max(this.#window, Math.min(ceilingBytes, floorBytes + share));
    this.#raise();
  }

  /** The application used up `bytes` more. */
  consume(bytes: number, now: number, roundTripMs: number): void {
    this.#consumed += bytes;
    this.#sinceTuned += bytes;
    if (this.#sinceTuned * 2 >= this.#window) {
      if (now - this.#tunedAt < 4 * roundTripMs) this.#window = Math.min(this.#options.ceilingBytes, this.#window * 2);
      this.#sinceTuned = 0;
      this.#tunedAt = now;
    }
    this.#raise();
  }

  /** Whether the peer should be told of a higher limit; `received`: position up to which its bytes arrived. */
  due(received: number): 'no' | 'soon' | 'now' {
    const news = this.#limit - this.#announced;
    if (news <= 0) return 'no';
    if (this.#announced - received <= 0) return 'now';
    return news * 4 >= this.#window || (this.#announced - received) * 2 <= this.#options.floorBytes ? 'soon' : 'no';
  }

  /** The present limit goes into a packet. */
  announce(): number {
    this.#announced = this.#limit;
    return this.#limit;
  }

  /** Gives the share back: the stream is over. */
  close(): void {
    if (this.#claims) this.#budget.claims--;
    this.#claims = false;
    this.#budget.change(this.#extra, 0);
    this.#extra = 0;
  }

  #raise(): void {
    const base = this.#consumed + this.#options.floorBytes;
    const free = this.#extra + Math.floor(this.#budget.freeBytes * GRANT_SHARE);
    // What several share is divided among them: windows that are too large for it shrink as they are used up.
    const fair = Math.floor(this.#budget.totalBytes / Math.max(1, this.#budget.claims));
    this.#limit = Math.max(this.#limit, Math.min(this.#consumed + this.#window, base + Math.min(free, fair)), base);
    const extra = Math.max(0, this.#limit - base);
    this.#budget.change(this.#extra, extra);
    this.#extra = extra;
  }
}

/** Beyond the floor, before the peer acknowledged as much: many that begin together should begin alike. */
const FIRST_ROOM_BYTES = 1_048_576;
const PROVEN_BYTES = 131_072;

/** Room of one stream's send buffer: a floor of its own, and a share of what all have in common. */
export class SendRoom {
  readonly #budget: Budget;
  readonly #floorBytes: number;
  #pinned = 0;
  #proven = false;

  constructor(budget: Budget, floorBytes: number) {
    this.#budget = budget;
    this.#floorBytes = floorBytes;
  }

  /** Bytes that the buffer may take in now. */
  get roomBytes(): number {
    const beyond = Math.max(0, this.#pinned - this.#floorBytes);
    const share = this.#proven ? this.#budget.totalBytes / Math.max(1, this.#budget.claims) : FIRST_ROOM_BYTES;
    const free = Math.max(0, Math.min(this.#budget.freeBytes * 0.75, share - beyond));
    return Math.max(0, this.#floorBytes - this.#pinned) + Math.floor(free);
  }

  /** The peer has the bytes up to `position`. */
  acknowledged(position: number): void {
    this.#proven ||= position >= PROVEN_BYTES;
  }

  /** The buffer now pins `bytes`. */
  update(bytes: number): void {
    this.#budget.change(Math.max(0, this.#pinned - this.#floorBytes), Math.max(0, bytes - this.#floorBytes));
    this.#budget.claims += Number(bytes > this.#floorBytes) - Number(this.#pinned > this.#floorBytes);
    this.#pinned = bytes;
  }
}

/** A stream that was opened counts as one that will want much for about so long, ms. */
const BEGUN_MS = 1000;

/** Part of a budget that only streams with little of it may take: who comes after a few that took much finds something. */
const RESERVE_SHARE = 1 / 8;
/** What counts as little. */
const LITTLE_SHARE = 1 / 32;
/** Part of what others leave that one of several users of a budget may take. */
const USER_SHARE = 3 / 4;

/**
 * Bytes that many streams share beyond their floors. A node's is shared by its clients: each has a budget of its own
 * (`user`), which leaves some of what is there to the others, so that the stalled streams of one starve no other.
 */
export class Budget {
  readonly totalBytes: number;
  readonly #whole: Budget | undefined;
  #used = 0;
  #claims = 0;
  #begun = 0;
  #begunAt = 0;

  constructor(totalBytes: number, whole?: Budget) {
    this.totalBytes = totalBytes;
    this.#whole = whole;
  }

  /** The budget of one of several users of this one. */
  user(): Budget {
    return new Budget(this.totalBytes, this);
  }

  /** Streams that use more than their floor: the budget is divided among them. */
  get claims(): number {
    return this.#whole?.claims ?? this.#claims;
  }

  /** So many more streams do so. */
  claim(by: number): void {
    this.#claims += by;
    this.#whole?.claim(by);
  }

  get usedBytes(): number {
    return this.#used;
  }

  get freeBytes(): number {
    if (this.#whole === undefined) return Math.max(0, this.totalBytes - this.#used);
    const left = this.totalBytes - (this.#whole.usedBytes - this.#used);
    return Math.max(0, Math.floor(left * USER_SHARE) - this.#used);
  }

  /** How much of what is free a stream may take that has `has` of the budget already. */
  freeFor(has: number): number {
    const free = this.freeBytes;
    const little = Math.min(free, this.totalBytes * LITTLE_SHARE - has);
    return Math.floor(Math.max(0, little, free - this.totalBytes * RESERVE_SHARE));
  }

  /** A stream was opened, and its dial went well. */
  begin(now: number): void {
    this.#begun = this.#begunOfLate(now) + 1;
    this.#begunAt = now;
  }

  /** What each may have of the budget, with those that began of late and may want as much soon. */
  shareBytes(now: number): number {
    return Math.floor(this.totalBytes / Math.max(1, this.claims, this.#begunOfLate(now)));
  }

  #begunOfLate(now: number): number {
    return this.#begun * Math.exp((this.#begunAt - now) / BEGUN_MS);
  }

  /** Records that a share changed from `before` to `after`. */
  change(before: number, after: number): void {
    this.#used += after - before;
    this.#whole?.change(before, after);
  }
}

/** Share of the free budget that one more grant to a stream may take; the rest stays for others. */
const GRANT_SHARE = 0.5;
/** Share of the free budget in a stream's first grant, before it has shown that it moves anything. */
const FIRST_SHARE = 1 / 64;
/** Share of the free budget in the grant of a stream that begins to move much. */
const BULK_SHARE = 1 / 8;

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
  #ended = false;

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

  /** The dial went well: it may move something soon. */
  dialed(now: number): void {
    this.#budget.begin(now);
  }

  /** The peer's bytes arrived up to `position`. */
  received(position: number, now: number): void {
    if (this.#claims || this.#ended || position < this.#options.floorBytes) return;
    this.#claims = true;
    this.#budget.claim(1);
    const { ceilingBytes, floorBytes, bulkGrantBytes } = this.#options;
    const free = Math.floor(this.#budget.freeBytes * BULK_SHARE);
    const share = Math.min(bulkGrantBytes, free, this.#budget.shareBytes(now));
    this.#window = Math.max(this.#window, Math.min(ceilingBytes, floorBytes + share));
    this.#raise(this.#budget.shareBytes(now));
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
    this.#raise(this.#budget.shareBytes(now));
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

  /** The peer sends nothing beyond `position`: what was promised beyond it goes back to the others now. */
  ended(position: number): void {
    if (this.#ended) return;
    this.#limit = position;
    this.#end();
    this.#raise();
  }

  /** Gives the share back: the stream is over. */
  close(): void {
    this.#end();
    this.#budget.change(this.#extra, 0);
    this.#extra = 0;
  }

  #end(): void {
    this.#ended = true;
    if (this.#claims) this.#budget.claim(-1);
    this.#claims = false;
  }

  /** `fair`: what is shared is divided, so that windows that are too large for it shrink as they are used up. */
  #raise(fair = this.#budget.totalBytes): void {
    const base = this.#consumed + this.#options.floorBytes;
    if (!this.#ended) {
      const free = this.#extra + Math.floor(this.#budget.freeFor(this.#extra) * GRANT_SHARE);
      this.#limit = Math.max(this.#limit, Math.min(this.#consumed + this.#window, base + Math.min(free, fair)), base);
    }
    const extra = Math.max(0, this.#limit - base);
    this.#budget.change(this.#extra, extra);
    this.#extra = extra;
  }
}

/** Beyond the floor, before the peer acknowledged as much: many that begin together should begin alike. */
const FIRST_ROOM_BYTES = 1_048_576;
const PROVEN_BYTES = 65_536;

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
    const free = Math.max(0, Math.min(this.#budget.freeFor(beyond) * 0.75, share - beyond));
    return Math.max(0, this.#floorBytes - this.#pinned) + Math.floor(free);
  }

  /** It has little more than its floor, and that is used up: each round trip moves no more. */
  get isCramped(): boolean {
    return this.#pinned <= 2 * this.#floorBytes && this.roomBytes * 2 < this.#floorBytes;
  }

  /** The peer has the bytes up to `position`. */
  acknowledged(position: number): void {
    this.#proven ||= position >= PROVEN_BYTES;
  }

  /** The buffer now pins `bytes`. */
  update(bytes: number): void {
    this.#budget.change(Math.max(0, this.#pinned - this.#floorBytes), Math.max(0, bytes - this.#floorBytes));
    this.#budget.claim(Number(bytes > this.#floorBytes) - Number(this.#pinned > this.#floorBytes));
    this.#pinned = bytes;
  }
}

import type { ReceiveBudget, Share } from './receive-budget.js';

/** Part of what is free in the first grant to a stream, before it has shown that it moves anything. */
const FIRST_SHARE = 1 / 16;
/** The same for one that begins to move much: of what is free for its like (more while there is plenty), and of all that is free. */
const FRESH_SHARE = 1 / 3;
const PLENTY_SHARE = 1 / 2;
const BULK_SHARE = 1 / 4;
/** The same for one that uses up what it has; the rest stays for others. */
const GRANT_SHARE = 1 / 2;
/** The window doubles when half of it is used up within so many round trips, */
const QUICK_TRIPS = 3;
/** and is no more than this share of all that was used up so far: the buffers of a system take in the first MiB at once. */
const PAST_SHARE = 3;
/** A stream that moved less than this may be one that only fills the buffers of a system: it gets no more than so much beyond its floor. */
const LASTING_BYTES = 6_291_456;
const YOUNG_BYTES = 1_048_576;
/** A stream that takes longer than this to use up half of its window, ms or round trips, is promised no more. */
const LEAST_ACTIVE_MS = 500;
const ACTIVE_TRIPS = 8;

/** On a way shorter than this, ms, a peer that has so many times less than it might have is told at once: an ack's wait would be longer than the way. */
const NEAR_MS = 50;
const SCARCE_FACTOR = 8;

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
 * floor gets much at once, and its window doubles while the application uses up half of it within three round trips. One
 * whose application reads slowly, or not at all, is promised no more until what it has is used up.
 */
export class ReceiveCredit {
  readonly #budget: ReceiveBudget;
  readonly #options: CreditOptions;
  readonly #share: Share;
  #limit: number;
  #announced: number;
  #window: number;
  #consumed = 0;
  #sinceTuned = 0;
  #tunedAt = 0;
  /** More than the floor may be promised until then. */
  #activeUntil = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(budget: ReceiveBudget, options: CreditOptions) {
    this.#budget = budget;
    this.#options = options;
    this.#share = budget.enter();
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
    return !this.#ended && this.#share.standing !== 'few';
  }

  /** The first grant beyond the floor. */
  open(now: number): void {
    const { ceilingBytes, floorBytes, firstGrantBytes } = this.#options;
    const share = Math.floor(this.#budget.freeBytes('few', now) * FIRST_SHARE);
    this.#window = Math.min(ceilingBytes, floorBytes + Math.min(share, firstGrantBytes));
    this.#raise(now);
  }

  /** The dial went well: it may move something soon. */
  dialed(now: number): void {
    this.#budget.begin(this.#share, now);
  }

  /** The peer's bytes arrived up to `position`. `roundTripMs`: as it is now. */
  received(position: number, now: number, roundTripMs: number): void {
    const { ceilingBytes, floorBytes, bulkGrantBytes } = this.#options;
    if (this.#ended || this.#share.standing !== 'few' || position < floorBytes) return;
    this.#budget.freshen(this.#share);
    const part = Math.min(
      this.#budget.freeBytes('fresh', now) * (this.#budget.isPlenty ? PLENTY_SHARE : FRESH_SHARE),
      this.#budget.unusedBytes * BULK_SHARE,
    );
    const most = this.#share.bytes + Math.floor(part);
    const grant = Math.min(bulkGrantBytes, most, this.#budget.shareBytes('fresh', now));
    this.#window = Math.max(this.#window, Math.min(ceilingBytes, floorBytes + grant));
    this.#measure(now);
    this.#activeUntil = now + activeMs(roundTripMs);
    this.#raise(now);
  }

  /** The application used up `bytes` more. */
  consume(bytes: number, now: number, roundTripMs: number): void {
    const few = this.#share.standing === 'few';
    if (!few && now - this.#tunedAt >= activeMs(roundTripMs)) {
      // It was too slow for what it has, or paused: what is left of that is what it has to use up in time.
      this.#window = Math.max(this.#options.floorBytes, this.#limit - this.#consumed);
      this.#measure(now);
    }
    this.#consumed += bytes;
    this.#sinceTuned += bytes;
    if (!few && !this.#ended && this.#sinceTuned * 2 >= this.#window) {
      const lasts = this.#consumed >= LASTING_BYTES;
      const quick = now - this.#tunedAt < QUICK_TRIPS * roundTripMs;
      if (quick) {
        const past = Math.floor(this.#consumed * PAST_SHARE);
        const young = lasts || this.#budget.isPlenty ? past : this.#options.floorBytes + YOUNG_BYTES;
        const most = Math.min(this.#options.ceilingBytes, past, young);
        this.#window = Math.max(this.#window, Math.min(this.#window * 2, most));
      }
      this.#measure(now);
      this.#activeUntil = now + activeMs(roundTripMs);
      this.#budget.prove(this.#share, lasts ? 'lasting' : 'proven', this.#activeUntil);
    }
    this.#raise(now);
  }

  /** Whether the peer should be told of a higher limit; `received`: position up to which its bytes arrived. `roundTripMs`: as it is now. */
  due(received: number, roundTripMs: number): 'no' | 'soon' | 'now' {
    const news = this.#limit - this.#announced;
    if (news <= 0) return 'no';
    const left = this.#announced - received;
    const opens = roundTripMs < NEAR_MS && left * SCARCE_FACTOR <= news;
    if (left <= 0 || opens) return 'now';
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
    this.#settle();
  }

  /** Gives the share back: the stream is over. */
  close(): void {
    this.#end();
    this.#budget.set(this.#share, 0);
  }

  #end(): void {
    this.#ended = true;
    this.#budget.rest(this.#share);
  }

  /** From now on it is seen how long half of the window takes. */
  #measure(now: number): void {
    this.#sinceTuned = 0;
    this.#tunedAt = now;
  }

  #raise(now: number): void {
    if (!this.#ended) {
      const base = this.#consumed + this.#options.floorBytes;
      const beyond = now < this.#activeUntil ? this.#mayHave(now) : 0;
      this.#limit = Math.max(this.#limit, Math.min(this.#consumed + this.#window, base + beyond), base);
    }
    this.#settle();
  }

  /** What it may have beyond its floor: what it has, and a part of what is free for its like. */
  #mayHave(now: number): number {
    const { standing, bytes } = this.#share;
    const free = this.#budget.freeBytes(standing, now);
    // What is not proven has a window that was measured when it was given.
    if (standing === 'few' || standing === 'fresh') return bytes + free;
    return Math.min(bytes + Math.floor(free * GRANT_SHARE), this.#budget.shareBytes(standing, now));
  }

  #settle(): void {
    this.#budget.set(this.#share, Math.max(0, this.#limit - this.#consumed - this.#options.floorBytes));
  }
}

function activeMs(roundTripMs: number): number {
  return Math.max(LEAST_ACTIVE_MS, ACTIVE_TRIPS * roundTripMs);
}

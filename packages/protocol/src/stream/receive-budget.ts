import { Budget } from './budget.js';

/** A stream that was opened counts as one that will want much for about so long, ms. */
const BEGUN_MS = 1000;
/** Parts of a budget that streams may have together which have not moved much, or have not shown that they use it up. */
const FEW_SHARE = 1 / 8;
const FRESH_SHARE = 3 / 8;
/** Part of what the others leave that the active ones may have together: should all of them stall, some is left. */
const ACTIVE_SHARE = 7 / 8;
/** What is free of a budget of which little was promised. */
const PLENTY_SHARE = 9 / 16;
/** An active stream with less than this beyond its floor leaves its equal part to those that need more. */
const SMALL_BYTES = 262_144;

/**
 * What a stream has shown of itself: `few`, it has not moved its floor; `fresh`, it has, and so far it did not use up half of
 * what it was promised in time; `proven`, it did; `lasting`, it has moved more than the buffers of a system take in at once.
 */
export type Standing = 'few' | 'fresh' | 'proven' | 'lasting';

/** What one stream has of the budget, which alone changes it. */
export interface Share {
  standing: Standing;
  bytes: number;
  /** Proven and lasting only: it counts as using up what it has until then, ms. */
  activeUntil: number;
  /** When its dial ended well; it counts as one that begins until it ends. */
  begunAt: number;
}

/**
 * The budget of receive credit. What was promised cannot be taken back, so that a stream which stalls keeps it. Therefore
 * each may only have what it has shown to use up, and those that have shown nothing share a part of the whole: any
 * number of stalled streams leaves something to those that read.
 */
export class ReceiveBudget {
  readonly #budget: Budget;
  readonly #used: Record<Standing, number> = { few: 0, fresh: 0, proven: 0, lasting: 0 };
  /** Proven shares that are used up, the one that was first to be so for the last time in front. */
  readonly #active = new Set<Share>();
  #activeBytes = 0;
  #largeCount = 0;
  #largeBytes = 0;
  #begun = 0;
  #begunAt = 0;

  constructor(totalBytes: number, whole?: Budget) {
    this.#budget = whole?.user() ?? new Budget(totalBytes);
  }

  get totalBytes(): number {
    return this.#budget.totalBytes;
  }

  get usedBytes(): number {
    return this.#budget.usedBytes;
  }

  /** Streams that use up what they are promised beyond their floors, as of the last call that took the time. */
  get activeCount(): number {
    return this.#active.size;
  }

  /** Bytes that nobody has. */
  get unusedBytes(): number {
    return this.#budget.freeBytes;
  }

  /** Little of it was promised so far. */
  get isPlenty(): boolean {
    return this.#budget.freeBytes >= PLENTY_SHARE * this.totalBytes;
  }

  /** A stream's share, empty. */
  enter(): Share {
    return { standing: 'few', bytes: 0, activeUntil: Number.NEGATIVE_INFINITY, begunAt: Number.NEGATIVE_INFINITY };
  }

  /** How much of what is free a share of this standing may take. */
  freeBytes(standing: Standing, now: number): number {
    this.#expire(now);
    const { usedBytes, freeBytes } = this.#budget;
    const whole = usedBytes + freeBytes;
    const { few, fresh, proven } = this.#used;
    const unproven = Math.min(freeBytes, whole * (FEW_SHARE + FRESH_SHARE) - few - fresh);
    if (standing === 'few') return Math.floor(Math.max(0, Math.min(unproven, whole * FEW_SHARE - few)));
    // What is proven, but may stall soon, keeps its place among the fresh ones.
    if (standing === 'fresh') return Math.floor(Math.max(0, Math.min(unproven, whole * FRESH_SHARE - fresh - proven)));
    return Math.floor(Math.min(freeBytes, Math.max(0, this.#forActive() - this.#activeBytes)));
  }

  /** What each share of this standing may have, with those that began of late and may want as much soon. */
  shareBytes(standing: 'fresh' | 'proven' | 'lasting', now: number): number {
    this.#expire(now);
    const begun = this.#begunOfLate(now);
    const { usedBytes, freeBytes } = this.#budget;
    if (standing === 'fresh') return Math.floor(((usedBytes + freeBytes) * FRESH_SHARE) / Math.max(1, begun));
    const most = this.#forActive();
    const equal = most / Math.max(1, this.#active.size, begun);
    const small = this.#activeBytes - this.#largeBytes;
    return Math.floor(Math.max(equal, (most - small) / Math.max(1, this.#largeCount, begun)));
  }

  /** A stream was opened, and its dial went well. */
  begin(share: Share, now: number): void {
    this.#begun = this.#begunOfLate(now) + 1;
    this.#begunAt = now;
    share.begunAt = now;
  }

  /** The share has `bytes` now. */
  set(share: Share, bytes: number): void {
    const active = this.#active.has(share);
    if (active) this.#count(share, -1);
    this.#budget.change(share.bytes, bytes);
    this.#used[share.standing] += bytes - share.bytes;
    share.bytes = bytes;
    if (active) this.#count(share, 1);
  }

  /** The stream has moved its floor. */
  freshen(share: Share): void {
    this.#turn(share, 'fresh');
  }

  /** The stream uses up what it has: it is active until then. */
  prove(share: Share, standing: 'proven' | 'lasting', activeUntil: number): void {
    this.#turn(share, standing);
    if (this.#active.delete(share)) this.#count(share, -1);
    share.activeUntil = activeUntil;
    this.#active.add(share);
    this.#count(share, 1);
  }

  /** The stream wants no more; what it has stays counted until it is set to 0. */
  rest(share: Share): void {
    if (this.#active.delete(share)) this.#count(share, -1);
    share.activeUntil = Number.NEGATIVE_INFINITY;
    this.#begun = Math.max(0, this.#begun - Math.exp((share.begunAt - this.#begunAt) / BEGUN_MS));
    share.begunAt = Number.NEGATIVE_INFINITY;
  }

  /** What active streams may have together. */
  #forActive(): number {
    return ACTIVE_SHARE * (this.#budget.freeBytes + this.#activeBytes);
  }

  #turn(share: Share, standing: Standing): void {
    this.#used[share.standing] -= share.bytes;
    share.standing = standing;
    this.#used[standing] += share.bytes;
  }

  #count(share: Share, sign: 1 | -1): void {
    this.#activeBytes += sign * share.bytes;
    if (share.bytes < SMALL_BYTES) return;
    this.#largeCount += sign;
    this.#largeBytes += sign * share.bytes;
  }

  #expire(now: number): void {
    for (const share of this.#active) {
      if (share.activeUntil > now) break;
      this.#active.delete(share);
      this.#count(share, -1);
    }
  }

  #begunOfLate(now: number): number {
    return this.#begun * Math.exp((this.#begunAt - now) / BEGUN_MS);
  }
}

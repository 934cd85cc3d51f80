/** How many requests count at a time. Pure: `now` is wall-clock time in ms since 1970, and may jump either way. */
import { DAY_MS, DailyResets, type ResetRule } from './quota-reset.js';

/** A count of requests, by one rule. */
export interface QuotaCount {
  /** Requests that count now. */
  used(now: number): number;
  /** Counts one more. Returns what takes it back, for one that was not sent after all. */
  add(now: number): () => void;
  /** When enough no longer count that fewer than `limit` are left, going by what is known; `now` when that is so already. */
  below(limit: number, now: number): number;
  /** When the provider is next thought to begin anew; `Infinity` where it never does so all at once. */
  nextReset(now: number): number;
  /** The provider refused at `refusedAt` and took a request at `takenAt`: it began anew between the two. */
  learn(refusedAt: number, takenAt: number): void;
  /** What to keep over a restart. */
  save(now: number): KeptCount;
  /** Adds what was kept. */
  restore(kept: KeptCount, now: number): void;
}

/** What is kept of a count. */
export interface KeptCount {
  /** `[time, requests]`: the beginning of the day, or of each quarter of an hour, and how many came then. */
  readonly counts: ReadonlyArray<readonly [number, number]>;
  /** How far resets are from where the rule has them, ms. */
  readonly offsetMs: number;
}

/** Makes the count for a rule. */
export function createCount(rule: ResetRule): QuotaCount {
  return rule.kind === 'rolling' ? new RollingCount() : new DailyCount(new DailyResets(rule));
}

/** Counts from reset to reset. */
class DailyCount implements QuotaCount {
  readonly #resets: DailyResets;
  #offsetMs = 0;
  #used = 0;
  /** The day that is counted. */
  #start = -Infinity;
  /** What the rule says of the time that was asked for last, and until when it stays so. */
  #window = { last: Infinity, next: -Infinity };

  constructor(resets: DailyResets) {
    this.#resets = resets;
  }

  used(now: number): number {
    const { last } = this.#windowAt(now);
    // When the clock was set back over a reset, what was counted after it still counts.
    if (last > this.#start) this.#used = 0;
    this.#start = last;
    return this.#used;
  }

  add(now: number): () => void {
    this.used(now);
    this.#used += 1;
    const start = this.#start;
    return () => {
      if (this.#start === start) this.#used -= 1;
    };
  }

  below(limit: number, now: number): number {
    return this.used(now) < limit ? now : this.nextReset(now);
  }

  nextReset(now: number): number {
    return this.#windowAt(now).next;
  }

  learn(refusedAt: number, takenAt: number): void {
    // The reset that was expected in between may be the one that came.
    if (this.nextReset(refusedAt) <= takenAt) return;
    const { last, next } = this.#resets.around(takenAt);
    this.#offsetMs = takenAt - (takenAt - last <= next - takenAt ? last : next);
    this.#forgetWindow();
    // The request that was taken is the first of the new day.
    this.#used = 1;
    this.#start = this.#windowAt(takenAt).last;
  }

  save(now: number): KeptCount {
    const used = this.used(now);
    return { counts: [[this.#start, used]], offsetMs: this.#offsetMs };
  }

  restore({ counts, offsetMs }: KeptCount, now: number): void {
    const counted = this.used(now);
    // What was learned since the start is newer.
    if (this.#offsetMs === 0) this.#offsetMs = offsetMs;
    this.#forgetWindow();
    const { last } = this.#windowAt(now);
    this.#start = last;
    this.#used = counted + counts.reduce((sum, [start, used]) => sum + (start >= last ? used : 0), 0);
  }

  #windowAt(now: number): { readonly last: number; readonly next: number } {
    if (now < this.#window.last || now >= this.#window.next) {
      const { last, next } = this.#resets.around(now - this.#offsetMs);
      this.#window = { last: last + this.#offsetMs, next: next + this.#offsetMs };
    }
    return this.#window;
  }

  #forgetWindow(): void {
    this.#window = { last: Infinity, next: -Infinity };
  }
}

const SLOT_MS = 900_000;

/** Of a day, and one more: a slot counts until the last request in it is a day old. */
const SLOTS = DAY_MS / SLOT_MS + 1;

/** Counts each request for 24 hours, in slots of a quarter of an hour. */
class RollingCount implements QuotaCount {
  /** By number of the slot, modulo `SLOTS`. */
  readonly #slots = Array.from({ length: SLOTS }, () => 0);
  #newest = -Infinity;
  #used = 0;

  used(now: number): number {
    this.#advance(now);
    return this.#used;
  }

  add(now: number): () => void {
    this.#advance(now);
    const slot = this.#newest;
    this.#put(slot, 1);
    return () => {
      // Counts of a clock that was set back have moved; then it stays counted.
      if (slot <= this.#newest && slot > this.#newest - SLOTS && this.#at(slot) > 0) this.#put(slot, -1);
    };
  }

  below(limit: number, now: number): number {
    let used = this.used(now);
    if (used < limit) return now;
    for (let slot = this.#newest - SLOTS + 1; slot <= this.#newest; slot += 1) {
      used -= this.#at(slot);
      if (used < limit) return (slot + SLOTS) * SLOT_MS;
    }
    return (this.#newest + SLOTS) * SLOT_MS;
  }

  nextReset(): number {
    return Infinity;
  }

  learn(): void {
    // What counts for a day after each request has no time at which it begins anew.
  }

  save(now: number): KeptCount {
    this.#advance(now);
    const counts: Array<[number, number]> = [];
    for (let slot = this.#newest - SLOTS + 1; slot <= this.#newest; slot += 1) {
      if (this.#at(slot) > 0) counts.push([slot * SLOT_MS, this.#at(slot)]);
    }
    return { counts, offsetMs: 0 };
  }

  restore({ counts }: KeptCount, now: number): void {
    this.#advance(now);
    for (const [time, used] of counts) {
      // Times to come are of a clock that was ahead.
      const slot = Math.min(Math.floor(time / SLOT_MS), this.#newest);
      if (slot > this.#newest - SLOTS) this.#put(slot, used);
    }
  }

  #advance(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (slot < this.#newest) {
      this.#setBack(slot);
      return;
    }
    const first = Math.max(this.#newest + 1, slot - SLOTS + 1);
    for (let passed = first; passed <= slot; passed += 1) this.#put(passed, -this.#at(passed));
    this.#newest = slot;
  }

  /** The clock was set back: everything still counts, and for no longer than a day from now. */
  #setBack(slot: number): void {
    const kept = this.#slots.map((_, age) => this.#at(this.#newest - age));
    this.#slots.fill(0);
    for (const [age, used] of kept.entries()) this.#slots[modulo(slot - age)] = used;
    this.#newest = slot;
  }

  #at(slot: number): number {
    return this.#slots[modulo(slot)] as number;
  }

  #put(slot: number, change: number): void {
    this.#slots[modulo(slot)] = this.#at(slot) + change;
    this.#used += change;
  }
}

function modulo(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}

import { DelayTrend } from './delay-trend.js';
import type { Earliest } from './earliest.js';
import type { Report } from './report.js';
import type { ReplayWindow } from './replay-window.js';

/** Times at which the largest number was noted; at one a ms they reach further back than any packet is waited for. */
const MARKS = 64;
const MARK_EVERY_MS = 1;
/** A packet is never waited for longer than this once a later one arrived, and is lost when it did not come in that time. */
const MAX_REORDER_MS = 50;
const MAX_LOST_MS = 60;
/** How much longer than the latest latecomer a packet is waited for; a loss is counted once it is surer. */
const REORDER_MARGIN = 1.25;
const LOST_MARGIN = 2.5;
/** A latecomer is forgotten by half in this time, in steps. */
const REORDER_HALF_LIFE_MS = 2000;
const FADE_EVERY_MS = 100;

/**
 * Tells lost packets from late ones. A packet that a later one overtook is waited for as long as latecomers took lately, and
 * then asked for; after 2.5 times that it is given up and counts as lost: what is asked for in vain costs little, but what is taken
 * for lost and is not raises the parity of seconds. If it arrives after all it is late, not lost.
 */
export class Arrivals {
  readonly #window: ReplayWindow;
  readonly #leastReorderMs: number;
  readonly #trend = new DelayTrend();
  readonly #markTimes = new Float64Array(MARKS);
  readonly #markNumbers = new Float64Array(MARKS);
  /** Marks made so far, and how many of them are dealt with; the last MARKS of them are at hand. */
  #marks = 0;
  #marksDecided = 0;
  /** The largest number, and when it came. */
  #tail = -1;
  #tailAt = 0;
  /** Every number up to this one is known to have arrived or is given up. */
  #decided = -1;
  #lostRun = 0;
  /** How late the latest latecomer was, and when that was last brought up to date. */
  #latest = 0;
  #latestAt = 0;
  #reorderMs: number;
  #now = 0;
  #nowUs = 0;
  #newestUs = 0;
  #newestAt = 0;
  /** When the newest packet that was reported of had come. */
  #reportedAt = 0;
  #intervalBytes = 0;
  #longestBurst = 0;
  #reorderDepth = 0;
  #largestBytes = 0;

  received = 0;
  receivedBytes = 0;
  lost = 0;
  late = 0;
  bursts = 0;

  /** @param leastReorderMs A packet is waited for at least this long. */
  constructor(window: ReplayWindow, leastReorderMs: number) {
    this.#window = window;
    this.#leastReorderMs = leastReorderMs;
    this.#reorderMs = leastReorderMs;
  }

  /** How long a packet that was overtaken is waited for before it is asked for, ms. */
  get reorderMs(): number {
    return this.#reorderMs;
  }

  /** Before `number` is committed: what falls out of the window is decided while it can still be looked up. */
  beforeCommit(number: number): void {
    const floor = number - this.#window.span;
    if (floor > this.#decided) this.#decideUpTo(floor);
  }

  /** What is added from now on arrives now. */
  begin(now: number): void {
    this.#now = now;
    this.#nowUs = toUs(now) | 0;
  }

  /**
   * An authenticated packet that was not there before. `sentUs` is its time as a signed 32-bit number, `largestBefore` the
   * window's largest number before it was committed.
   */
  add(number: number, bytes: number, sentUs: number, largestBefore: number): void {
    const now = this.#now;
    this.received++;
    this.receivedBytes += bytes;
    // What came first begins the time that is measured, and does not lie within it.
    if (this.received > 1) this.#intervalBytes += bytes;
    else this.#reportedAt = now;
    if (bytes > this.#largestBytes) this.#largestBytes = bytes;
    this.#trend.add(sentUs, this.#nowUs, now);
    if (number > largestBefore) {
      this.#newestUs = sentUs;
      this.#newestAt = now;
      this.#mark(number, now);
      return;
    }
    const depth = largestBefore - number;
    if (depth > this.#reorderDepth) this.#reorderDepth = depth;
    const lateness = this.#overtakenFor(number, now);
    if (lateness > this.#latest) this.#setLatest(lateness, now);
    if (number <= this.#decided) {
      this.late++;
      this.lost--;
    }
  }

  /** Gives up what was waited for long enough. */
  decide(now: number): void {
    if (this.#latest > 0 && now - this.#latestAt >= FADE_EVERY_MS) {
      this.#setLatest(this.#latest * 0.5 ** ((now - this.#latestAt) / REORDER_HALF_LIFE_MS), now);
    }
    if (this.#decided >= this.#tail) return;
    const lostMs = this.#lostMs;
    let upTo = -1;
    for (; this.#marksDecided < this.#marks; this.#marksDecided++) {
      const at = this.#marksDecided % MARKS;
      if (this.#markTimes[at]! + lostMs > now) break;
      upTo = this.#markNumbers[at]!;
    }
    if (this.#tailAt + lostMs <= now) upTo = this.#tail;
    if (upTo > this.#decided) this.#decideUpTo(upTo);
  }

  /** Adds when `decide` has something to do next. */
  addTime(earliest: Earliest): void {
    if (this.#decided >= this.#tail) return;
    const first = this.#marksDecided < this.#marks ? this.#markTimes[this.#marksDecided % MARKS]! : this.#tailAt;
    earliest.add(first + this.#lostMs);
  }

  /** A report of everything so far; what counts since the last report begins anew. */
  take(now: number): Report {
    this.decide(now);
    // From packet to packet: when the report is made says nothing, since timers come late, and packets wait meanwhile.
    const elapsed = Math.max(0.1, this.#newestAt - this.#reportedAt);
    this.#reportedAt = this.#newestAt;
    const report: Report = {
      largest: Math.max(0, this.#window.largest),
      echoUs: this.#newestUs >>> 0,
      heldUs: (now - this.#newestAt) * 1000,
      received: this.received,
      receivedBytes: this.receivedBytes,
      lost: this.lost,
      late: this.late,
      bursts: this.bursts,
      longestBurst: this.#longestBurst,
      reorderDepth: this.#reorderDepth,
      rate: this.#intervalBytes / elapsed,
      ...this.#trend.take(),
      largestBytes: this.#largestBytes,
    };
    this.#intervalBytes = 0;
    this.#longestBurst = 0;
    this.#reorderDepth = 0;
    this.#largestBytes = 0;
    return report;
  }

  #mark(number: number, now: number): void {
    this.#tail = number;
    this.#tailAt = now;
    if (this.#marks > 0 && now - this.#markTimes[(this.#marks - 1) % MARKS]! < MARK_EVERY_MS) return;
    this.#markTimes[this.#marks % MARKS] = now;
    this.#markNumbers[this.#marks % MARKS] = number;
    this.#marks++;
    this.#marksDecided = Math.max(this.#marksDecided, this.#marks - MARKS);
  }

  #setLatest(lateness: number, now: number): void {
    this.#latest = lateness;
    this.#latestAt = now;
    this.#reorderMs = Math.min(MAX_REORDER_MS, Math.max(this.#leastReorderMs, REORDER_MARGIN * lateness));
  }

  /** How long a packet that was overtaken is waited for before it counts as lost, ms. */
  get #lostMs(): number {
    return Math.min(MAX_LOST_MS, LOST_MARGIN * this.#reorderMs);
  }

  /** For how long at least a larger number than this is there, ms. */
  #overtakenFor(number: number, now: number): number {
    for (let mark = Math.max(0, this.#marks - MARKS); mark < this.#marks; mark++) {
      if (this.#markNumbers[mark % MARKS]! > number) return now - this.#markTimes[mark % MARKS]!;
    }
    return now - this.#tailAt;
  }

  #decideUpTo(number: number): void {
    const largest = this.#window.largest;
    for (let at = this.#decided + 1; at <= number && at <= largest; at++) {
      if (this.#window.has(at)) this.#lostRun = 0;
      else this.#lose(1);
    }
    this.#lose(number - Math.max(largest, this.#decided));
    this.#decided = number;
  }

  #lose(count: number): void {
    if (count <= 0) return;
    this.lost += count;
    if (this.#lostRun === 0) this.bursts++;
    this.#lostRun += count;
    if (this.#lostRun > this.#longestBurst) this.#longestBurst = this.#lostRun;
  }
}

/** A time in ms as µs modulo 2^32, as it travels. */
export function toUs(now: number): number {
  return (Math.floor(now * 1000) % 2 ** 32) >>> 0;
}

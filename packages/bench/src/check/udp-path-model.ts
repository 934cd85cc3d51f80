/** A path for datagrams, one direction of it. Everything that is 0 does nothing. */
export interface UdpPathOptions {
  /** Time that each datagram is on its way. */
  delayMs: number;
  /** Megabits a second; what does not fit into `queueBytes` before it is dropped. */
  rateMbps: number;
  /** Default: a tenth of a second of the rate, at least 64 KiB. */
  queueBytes?: number;
  /** Datagrams lost by themselves, in per cent. */
  lossPercent: number;
  /** Bursts after Gilbert and Elliott: datagrams after which one begins, and those after which it ends, in per cent. All within are lost. */
  burst?: { beginPercent: number; endPercent: number };
  /** Datagrams that come later by `reorderMs` (default 10), in per cent. */
  reorderPercent: number;
  reorderMs?: number;
  /** Datagrams that come twice, in per cent. */
  duplicatePercent: number;
  /** Seed of all that is drawn: the same datagrams meet the same fate. Default 1. */
  seed?: number;
}

/** A path that only hands on. */
export const FREE_PATH: UdpPathOptions = {
  delayMs: 0,
  rateMbps: 0,
  lossPercent: 0,
  reorderPercent: 0,
  duplicatePercent: 0,
};

/** What became of datagrams. `arriving` counts copies. */
export interface UdpPathCounts {
  sent: number;
  lost: number;
  dropped: number;
  duplicated: number;
  reordered: number;
  arriving: number;
}

const LEAST_QUEUE_BYTES = 64 * 1024;
const QUEUE_SECONDS = 0.1;
const DEFAULT_REORDER_MS = 10;

/** Decides what becomes of each datagram. No clock and no chance of its own. */
export class UdpPathModel {
  readonly counts: UdpPathCounts = { sent: 0, lost: 0, dropped: 0, duplicated: 0, reordered: 0, arriving: 0 };
  readonly #options: UdpPathOptions;
  readonly #queueBytes: number;
  readonly #bytesPerMs: number;
  #state: number;
  #freeMs = 0;
  #inBurst = false;

  constructor(options: UdpPathOptions) {
    this.#options = options;
    this.#bytesPerMs = options.rateMbps * 125;
    this.#queueBytes = options.queueBytes ?? Math.max(LEAST_QUEUE_BYTES, QUEUE_SECONDS * 1e3 * this.#bytesPerMs);
    this.#state = (options.seed ?? 1) >>> 0;
  }

  /** When a datagram of `bytes` that comes at `nowMs` arrives: not at all, once or twice. */
  pass(nowMs: number, bytes: number): number[] {
    const { delayMs, lossPercent, reorderPercent, reorderMs = DEFAULT_REORDER_MS, duplicatePercent } = this.#options;
    const { counts } = this;
    counts.sent++;
    // Always drawn in this order, so that one setting does not change the fate that another one brings.
    const [lost, late, twice] = [
      this.#chance(lossPercent),
      this.#chance(reorderPercent),
      this.#chance(duplicatePercent),
    ];
    if (this.#burst() || lost) {
      counts.lost++;
      return [];
    }
    let atMs = nowMs;
    if (this.#bytesPerMs > 0) {
      const freeMs = Math.max(this.#freeMs, nowMs);
      if ((freeMs - nowMs) * this.#bytesPerMs + bytes > this.#queueBytes) {
        counts.dropped++;
        return [];
      }
      atMs = this.#freeMs = freeMs + bytes / this.#bytesPerMs;
    }
    if (late) counts.reordered++;
    const dueMs = atMs + delayMs + (late ? reorderMs : 0);
    if (twice) counts.duplicated++;
    counts.arriving += twice ? 2 : 1;
    return twice ? [dueMs, dueMs] : [dueMs];
  }

  /** Whether this datagram lies within a burst of losses. */
  #burst(): boolean {
    const { burst } = this.#options;
    if (!burst) return false;
    if (this.#chance(this.#inBurst ? burst.endPercent : burst.beginPercent)) this.#inBurst = !this.#inBurst;
    return this.#inBurst;
  }

  /** Mulberry32: small, and good enough to decide about datagrams. */
  #chance(percent: number): boolean {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 < percent / 100;
  }
}

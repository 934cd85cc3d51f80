/** Shortest hold that is tried, ms. */
const LEAST_MS = 1000;
/** A failure after this share of the hold counts as a cut by the relay, an earlier one as something else the first time. */
const CUT_SHARE = 0.5;
/** So many earlier ones in a row, while nothing was held for longer, are cuts too: the relay bears much less than the hold. */
const EARLY_CUTS = 2;

/**
 * How long a relay bears a held exchange: raised after holds that went well, halved after one that was cut. The value is
 * worth remembering from run to run.
 */
export class AdaptiveHold {
  readonly #mostMs: number;
  #currentMs: number;
  /** Failures in a row that were too early for a cut, and how long the last one was held. */
  #early = 0;
  #earlyMs = 0;

  constructor(options: { holdMs: number; startHoldMs: number }) {
    this.#mostMs = options.holdMs;
    this.#currentMs = Math.min(options.holdMs, options.startHoldMs);
  }

  /** What to ask for, whole ms. */
  get currentMs(): number {
    return Math.floor(this.#currentMs);
  }

  /** An exchange with this hold was answered after `tookMs`. */
  answered(holdMs: number, tookMs: number): void {
    if (tookMs > this.#earlyMs) this.#early = 0;
    if (holdMs < this.currentMs || tookMs < holdMs) return;
    this.#currentMs = Math.min(this.#mostMs, this.#currentMs * 1.5 + 1);
  }

  /** An exchange with this hold failed after `tookMs`. */
  failed(holdMs: number, tookMs: number): void {
    // What was to be held for a short time says nothing of long holds.
    if (holdMs === 0 || holdMs * 2 <= this.currentMs) return;
    if (tookMs < holdMs * CUT_SHARE) {
      if (tookMs < LEAST_MS) return;
      this.#earlyMs = tookMs;
      if (++this.#early < EARLY_CUTS) return;
    }
    this.#early = 0;
    this.#currentMs = Math.min(this.#mostMs, Math.max(Math.min(LEAST_MS, this.#mostMs), holdMs / 2));
  }
}

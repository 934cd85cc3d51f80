/** Shortest hold that is tried, ms. */
const LEAST_MS = 1000;
/** A failure after this share of the hold counts as a cut by the relay, an earlier one as something else. */
const CUT_SHARE = 0.5;

/**
 * How long a relay bears a held exchange: raised after holds that went well, halved after one that was cut. The value is
 * worth remembering from run to run.
 */
export class AdaptiveHold {
  readonly #mostMs: number;
  #currentMs: number;

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
    if (holdMs < this.currentMs || tookMs < holdMs) return;
    this.#currentMs = Math.min(this.#mostMs, this.#currentMs * 1.5 + 1);
  }

  /** An exchange with this hold failed after `tookMs`. */
  failed(holdMs: number, tookMs: number): void {
    if (holdMs === 0 || tookMs < holdMs * CUT_SHARE) return;
    this.#currentMs = Math.min(this.#mostMs, Math.max(Math.min(LEAST_MS, this.#mostMs), holdMs / 2));
  }
}

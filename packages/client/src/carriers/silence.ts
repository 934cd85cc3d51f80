/** Notices that nothing moves any more. */
import { CLIENT_LIMITS } from '../limits.js';

/** Fires once when nothing moved for `timeoutMs`, or when all together took `maxExchangeTimeouts` times as long. */
export class SilenceTimer {
  readonly #timeoutMs: number;
  readonly #moved: () => number;
  readonly #onSilence: (waitedMs: number) => void;
  readonly #startedAt = performance.now();
  #movedAt = this.#startedAt;
  #position: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `moved` counts whatever is progress; it is looked at four times within `timeoutMs`. */
  constructor(timeoutMs: number, moved: () => number, onSilence: (waitedMs: number) => void) {
    this.#timeoutMs = timeoutMs;
    this.#moved = moved;
    this.#position = moved();
    this.#onSilence = onSilence;
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const now = performance.now();
    const left = Math.min(
      this.#movedAt + this.#timeoutMs - now,
      this.#startedAt + this.#timeoutMs * CLIENT_LIMITS.maxExchangeTimeouts - now,
    );
    this.#timer = setTimeout(
      () => this.#look(),
      Math.max(1, Math.min(Math.ceil(left), Math.ceil(this.#timeoutMs / 4))),
    );
  }

  #look(): void {
    const now = performance.now();
    const position = this.#moved();
    if (position !== this.#position) {
      this.#position = position;
      this.#movedAt = now;
    }
    const silent = now - this.#movedAt >= this.#timeoutMs;
    const endless = now - this.#startedAt >= this.#timeoutMs * CLIENT_LIMITS.maxExchangeTimeouts;
    if (silent || endless) this.#onSilence(silent ? this.#timeoutMs : Math.round(now - this.#startedAt));
    else this.#arm();
  }
}

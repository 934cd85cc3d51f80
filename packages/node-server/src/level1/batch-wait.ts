import type { Clock } from '../clock.js';

interface Waiting {
  check: () => boolean;
  resolve: (met: boolean) => void;
}

/**
 * The one wait of a batch. Whatever its ops wait for is a condition here, and everything that may change one calls
 * {@link wake}. A condition is looked at in the same step in which it is registered, so nothing is missed in between.
 */
export class BatchWait {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks at all conditions again. */
  wake(): void {
    for (const waiting of this.#waiting) if (waiting.check()) waiting.resolve(true);
  }

  /** Resolves with true once `check` holds, or with false after `timeoutMs`, at once for 0; without a timeout only the former. */
  until(check: () => boolean, timeoutMs?: number): Promise<boolean> {
    if (check()) return Promise.resolve(true);
    if (timeoutMs !== undefined && timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        check,
        resolve: (met) => {
          this.#waiting.delete(waiting);
          cancel?.();
          resolve(met);
        },
      };
      this.#waiting.add(waiting);
      const cancel = timeoutMs === undefined ? undefined : this.#clock.after(timeoutMs, () => waiting.resolve(false));
    });
  }
}

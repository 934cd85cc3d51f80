import type { Clock } from '../../src/clock.js';

interface Timer {
  at: number;
  ms: number;
  run: () => void;
}

/** A clock that stands still until a test turns it. */
export class ManualClock implements Clock {
  #now = 0;
  #timers = new Set<Timer>();
  #watchers = new Set<() => void>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, ms, run };
    this.#timers.add(timer);
    for (const watch of this.#watchers) watch();
    return () => this.#timers.delete(timer);
  }

  /** How many timers of `ms` are set now. */
  count(ms: number): number {
    return [...this.#timers].filter((timer) => timer.ms === ms).length;
  }

  /** Resolves once `count` timers of `ms` are set: somebody waits for that long. */
  async scheduled(ms: number, count = 1): Promise<void> {
    while (this.count(ms) < count) {
      await new Promise<void>((resolve) => {
        const watch = (): void => {
          this.#watchers.delete(watch);
          resolve();
        };
        this.#watchers.add(watch);
      });
    }
  }

  /** Lets time pass: timers run in their order, each at its own time, with what they set in turn. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}

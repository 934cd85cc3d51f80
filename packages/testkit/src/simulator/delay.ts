import type { Delay, SteadyDelay } from './types.js';

/** Random numbers from 0 to 1 that decide one delay. Drawn beforehand, so that it does not matter who asks when. */
export type DelayDraw = readonly [number, number];

/** Draws the delays of one direction. It knows when what has to be started was used last. */
export class Delays {
  readonly #delay: Delay;
  readonly #factor: number;
  /** When the start that is under way, or was the last, is over. */
  #startedMs = Number.NEGATIVE_INFINITY;
  #usedMs = Number.NEGATIVE_INFINITY;

  constructor(delay: Delay, factor: number) {
    this.#delay = delay;
    this.#factor = factor;
  }

  /** The delay of who comes at `nowMs`. */
  delayMs(nowMs: number, [first, second]: DelayDraw): number {
    const delay = this.#delay;
    if (!('coldStart' in delay)) return steadyMs(delay, first) * this.#factor;
    if (nowMs - this.#usedMs > (delay.idleMs ?? 0)) {
      this.#startedMs = nowMs + within(delay.coldStart, second) * this.#factor;
    }
    this.#usedMs = Math.max(nowMs, this.#startedMs);
    return Math.max(0, this.#startedMs - nowMs) + steadyMs(delay.warm, first) * this.#factor;
  }

  /** Without starts. */
  get meanMs(): number {
    const delay = this.#delay;
    return steadyMs('coldStart' in delay ? delay.warm : delay, 0.5) * this.#factor;
  }
}

function steadyMs(delay: SteadyDelay, chance: number): number {
  return 'fixed' in delay ? delay.fixed : within(delay.uniform, chance);
}

function within([low, high]: readonly [number, number], chance: number): number {
  return low + (high - low) * chance;
}

import { FAULT_NAMES } from './options.js';
import type { Lines } from './ceiling.js';
import type { CountedFault, SimulatorStats } from './types.js';

const OTHER_NAMES = [
  'notText',
  'wrongToken',
  'window',
  'concurrency',
  'dailyRequests',
  'nodeFailed',
  'tooLarge',
  'overloaded',
] as const satisfies readonly CountedFault[];

/** What a simulator counts. */
export class Counters {
  readonly faults = Object.fromEntries([...FAULT_NAMES, ...OTHER_NAMES].map((name) => [name, 0])) as Record<
    CountedFault,
    number
  >;
  requests = 0;
  redirected = 0;
  readonly #running = new Peak();
  readonly #held = new Peak();
  #quietSinceMs = 0;
  #longestSilenceMs = 0;

  get heldBytes(): number {
    return this.#held.now;
  }

  /** A request came. */
  began(nowMs: number): void {
    if (this.#running.now === 0) this.#quietSinceMs = nowMs;
    this.#running.add(1);
  }

  /** It is over. */
  ended(nowMs: number): void {
    this.delivered(nowMs);
    this.#running.add(-1);
  }

  /** Bytes went to a client. */
  delivered(nowMs: number): void {
    this.#longestSilenceMs = this.#silenceMs(nowMs);
    this.#quietSinceMs = nowMs;
  }

  hold(bytes: number): void {
    this.#held.add(bytes);
  }

  /** What went through so far. `silent` is how many are silent now. */
  stats(lines: Lines, silent: number, nowMs: number): SimulatorStats {
    const { clientUp, clientDown, nodeUp, nodeDown } = lines;
    return {
      requests: this.requests,
      redirected: this.redirected,
      bytes: {
        clientUp: clientUp.bytes,
        clientDown: clientDown.bytes,
        nodeUp: nodeUp.bytes,
        nodeDown: nodeDown.bytes,
      },
      faults: { ...this.faults },
      concurrent: this.#running.now,
      mostConcurrent: this.#running.most,
      silent,
      heldBytes: this.#held.now,
      mostHeldBytes: this.#held.most,
      longestSilenceMs: this.#silenceMs(nowMs),
    };
  }

  /** The longest, with the one that lasts. */
  #silenceMs(nowMs: number): number {
    return this.#running.now === 0
      ? this.#longestSilenceMs
      : Math.max(this.#longestSilenceMs, nowMs - this.#quietSinceMs);
  }
}

class Peak {
  now = 0;
  most = 0;

  add(count: number): void {
    this.now += count;
    this.most = Math.max(this.most, this.now);
  }
}

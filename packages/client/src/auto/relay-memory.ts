/** What is remembered of relays: the level that their nodes spoke, and how long they bear a held exchange. */
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import type { KeptRelay, StateKeeper } from '../state/index.js';

/** A hold that differs by less is not worth a new file. */
const HOLD_STEP = 1.1;

export class RelayMemory {
  readonly #kept = new Map<string, KeptRelay>();
  readonly #keeper: StateKeeper | undefined;
  /** Resolves once what was kept is known, or that nothing is. */
  readonly loaded: Promise<void> | undefined;

  constructor(pool: RelayPool, keeper: StateKeeper | undefined) {
    this.#keeper = keeper;
    keeper?.add({
      name: 'relays',
      restore: (kept) => {
        for (const { name } of pool.relays) {
          const entry = kept.get(name);
          if (entry !== undefined) this.#kept.set(name, { ...entry, ...this.#kept.get(name) });
        }
      },
      collect: () => this.#kept,
    });
    this.loaded = keeper?.start();
  }

  of(relay: Relay): KeptRelay {
    return this.#kept.get(relay.name) ?? {};
  }

  /** A node spoke this level over the relay. */
  noteLevel(relay: Relay, level: 1 | 2): void {
    if (this.of(relay).level !== level) this.#set(relay, { level });
  }

  /** A relay was found to bear this hold. */
  noteHold(relay: Relay, holdMs: number | undefined): void {
    if (holdMs === undefined) return;
    const known = this.of(relay).holdMs;
    const same = known !== undefined && known <= holdMs * HOLD_STEP && holdMs <= known * HOLD_STEP;
    if (!same) this.#set(relay, { holdMs });
  }

  #set(relay: Relay, change: KeptRelay): void {
    this.#kept.set(relay.name, { ...this.of(relay), ...change });
    this.#keeper?.changed();
  }
}

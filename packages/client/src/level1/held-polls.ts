/**
 * Batches of polls that the node holds. Streams that go quiet one after the other leave one each, and each occupies a place
 * until something comes or 15 s are over. Now and then they are gathered: a stream of each polls once more, all in one
 * batch that is answered at once, and the polls before give way. All come back together, and are idle together.
 */
import type { Relay } from '../carriers/relay.js';
import { CLIENT_LIMITS } from '../limits.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';

/** A batch of polls under way. */
export interface PollBatch {
  readonly relay: Relay;
  readonly sentAt: number;
  readonly sources: ReadonlyArray<{ pollAgain?(): boolean }>;
}

export class HeldPolls {
  /** Those that were not asked to give way yet. */
  readonly #batches = new Set<PollBatch>();
  #timer: Timer | undefined;
  /** A poll waits for a place. */
  #pressed = false;
  #closed = false;

  /** A batch of polls leaves. */
  add(batch: PollBatch): void {
    this.#batches.add(batch);
    this.#arm();
  }

  /** It is over. */
  delete(batch: PollBatch): void {
    this.#batches.delete(batch);
  }

  /** A poll finds no place: what is held gives way as soon as that helps. */
  press(): void {
    if (this.#pressed) return;
    this.#pressed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gather()) this.#pressed = false;
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const wanted = this.#pressed || this.#batches.size > CLIENT_LIMITS.heldPolls;
    if (this.#timer !== undefined || this.#closed || !wanted) return;
    this.#timer = choreTimer(
      () => {
        this.#timer = undefined;
        this.#gather();
        this.#pressed = false;
        this.#arm();
      },
      this.#pressed ? CLIENT_LIMITS.gatherSoonMs : CLIENT_LIMITS.gatherMs,
    );
  }

  /** Gathers what is held. Returns whether there was enough of it. */
  #gather(): boolean {
    const now = performance.now();
    const held = [...this.#batches].filter(({ relay, sentAt }) => now - sentAt >= heldAfterMs(relay));
    // One of them alone would only be replaced by another.
    if (held.length < (this.#pressed ? 2 : CLIENT_LIMITS.heldPolls + 1)) return false;
    let asked = 0;
    for (const batch of held) {
      if (!batch.sources.some((source) => source.pollAgain?.() === true)) continue;
      this.#batches.delete(batch);
      asked += 1;
    }
    return asked > 0;
  }
}

/** A poll that is answered later than this was held. */
function heldAfterMs(relay: Relay): number {
  return CLIENT_LIMITS.gatherSoonMs + 2 * (relay.latencyMs ?? CLIENT_LIMITS.gatherSoonMs);
}

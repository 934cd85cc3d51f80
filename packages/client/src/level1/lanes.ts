/**
 * Kinds of traffic, and how many batches of each may be under way. A poll occupies its place for as long as the node holds
 * it, up to 15 s: polls get a part of all places, so that opens and bytes never wait for them.
 */

/** Kinds of traffic. */
export type Lane =
  /** Opens: sent at once, spread over several batches. */
  | 'open'
  /** Bulk transfers: sent at once, spread over several batches. */
  | 'bulk'
  /** All other data: waits a little for company. */
  | 'light'
  /** Polls of streams whose last reply was bulk: most are answered at once, sent and spread like bulk transfers. */
  | 'fetch'
  /** Polls of streams whose last reply had bytes: the node holds those of streams that have gone quiet. */
  | 'poll'
  /** Further polls of such a stream, while one is under way. */
  | 'ahead'
  /** Polls of idle streams and flows: the node holds them. */
  | 'idle';

/** Lanes of polls. */
const POLLS: ReadonlySet<Lane> = new Set<Lane>(['fetch', 'poll', 'ahead', 'idle']);

/** Lanes that are sent at once, over several batches. */
const SPREAD: ReadonlySet<Lane> = new Set<Lane>(['open', 'bulk', 'fetch']);

/** Parts of all places. Polls that have to wait for one grow together: the next takes up to 50 of them. */
const SHARES = { fetch: 3 / 8, quiet: 1 / 2, ahead: 1 / 8, idle: 1 / 4 };

/** What all polls together leave to opens and bytes; at least one place. */
const KEPT_SHARE = 1 / 8;

/** Whether a lane carries polls, which the node may hold. */
export function isPolls(lane: Lane): boolean {
  return POLLS.has(lane);
}

/** Whether a lane is sent at once, over several batches. */
export function isSpread(lane: Lane): boolean {
  return SPREAD.has(lane);
}

/** Batches that are under way or wait for a relay, by lane. */
export class Places {
  readonly #capacity: number;
  readonly #taken: Record<Lane, number> = { open: 0, bulk: 0, light: 0, fetch: 0, poll: 0, ahead: 0, idle: 0 };

  /** `capacity` is how many batches the relays bear at once. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether anything is under way for which a batch of `lane` might wait for company. Idle polls count for each other only. */
  busy(lane: Lane): boolean {
    const { idle, ...others } = this.#taken;
    return Object.values(others).some((count) => count > 0) || (lane === 'idle' && idle > 0);
  }

  /** Whether one more batch of a lane may be under way. */
  has(lane: Lane): boolean {
    if (!isPolls(lane)) return true;
    const { fetch, poll, ahead, idle } = this.#taken;
    const kept = Math.max(1, Math.floor(this.#capacity * KEPT_SHARE));
    if (fetch + poll + ahead + idle >= Math.max(1, this.#capacity - kept)) return false;
    if (lane === 'fetch') return this.#below(fetch, SHARES.fetch);
    if (lane === 'ahead') return this.#below(ahead, SHARES.ahead);
    // Idle streams cannot take all places from those that have only just gone quiet, nor the other way round.
    if (lane === 'poll') return this.#below(poll + idle, SHARES.quiet);
    return idle === 0 || (this.#below(idle, SHARES.idle) && this.#below(poll + idle, SHARES.quiet));
  }

  take(lane: Lane): void {
    this.#taken[lane] += 1;
  }

  leave(lane: Lane): void {
    this.#taken[lane] -= 1;
  }

  #below(count: number, share: number): boolean {
    return count < Math.max(1, Math.floor(this.#capacity * share));
  }
}

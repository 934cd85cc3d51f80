import { isUsable } from './path-choice.js';
import type { RelayPath } from './relay-path.js';

/** Least hold of exchanges beside the one that is held for all, ms. */
const LEAST_HOLD_MS = 100;

/** What the node may hold for a client. */
export interface HeldPlaces {
  /** Exchanges that it may hold now. */
  held: number;
  /** Longest of their holds, ms; 0 when there are none. */
  longestMs: number;
  /** Exchanges that there may be at once, over all relays that may be used. */
  places: number;
}

/** Counts what the node may hold. */
export function heldPlaces(relays: Iterable<RelayPath>, now: number): HeldPlaces {
  const all: HeldPlaces = { held: 0, longestMs: 0, places: 0 };
  for (const relay of relays) {
    for (const { holdMs, hedged } of relay.exchanges.values()) {
      if (holdMs === 0 || hedged) continue;
      all.held++;
      all.longestMs = Math.max(all.longestMs, holdMs);
    }
    if (isUsable(relay, now)) all.places += relay.concurrency;
  }
  return all;
}

/** Hold of an exchange that is not held for long: a round trip, so that the answer of a target goes with it. */
export function shortHold(relay: RelayPath, contentHoldMs: number): number {
  const most = Math.min(relay.hold.currentMs, contentHoldMs);
  return Math.floor(Math.min(most, Math.max(LEAST_HOLD_MS, relay.rtt.minMs)));
}

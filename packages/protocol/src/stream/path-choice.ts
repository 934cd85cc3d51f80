import type { RelayPath } from './relay-path.js';

/** Whether requests may be sent on a path at all now. */
export function isUsable(path: RelayPath, now: number): boolean {
  return !path.foreign && path.concurrency > 0 && path.blockedUntil <= now;
}

/**
 * The relay for the next exchange that carries something, or that the node may hold: of those with a free place, the one
 * that should answer first. None when that one would answer later than the next exchange of a quicker relay, whose
 * places are all taken at present (R13). Relays that never answered are only used while there is no other; they are
 * measured with exchanges that carry nothing.
 */
export function choosePath(paths: Iterable<RelayPath>, now: number, urgent: boolean): RelayPath | undefined {
  let usable = [...paths].filter((path) => isUsable(path, now));
  const measured = usable.filter((path) => path.rtt.measured && path.failures === 0);
  if (measured.length > 0) usable = measured;
  if (usable.length === 1) {
    if (usable[0]!.hasPlace(urgent, now)) return usable[0];
    usable[0]!.rate.noteLimited();
    return undefined;
  }
  let quickestMs = Number.POSITIVE_INFINITY;
  let best: RelayPath | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const path of usable) {
    const latency = path.latencyMs(now);
    quickestMs = Math.min(quickestMs, latency);
    if (!path.hasPlace(urgent, now)) {
      path.rate.noteLimited();
      continue;
    }
    // Those that never answered are not shared out: what one of them is needed for may be the slowest of all.
    const load = measured.length > 0 ? Math.max(path.load, path.exchanges.size / path.concurrency) : 0;
    const cost = latency * (1 + load);
    if (cost < bestCost) {
      best = path;
      bestCost = cost;
    }
  }
  // A taken place on the quickest relay is free after one round trip, and its answer here after two.
  return best !== undefined && best.latencyMs(now) <= 2 * quickestMs ? best : undefined;
}

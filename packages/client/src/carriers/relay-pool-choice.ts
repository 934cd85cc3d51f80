/** Which relay gets the next request: by load, latency and whether it is known to work. */
import type { Relay } from './relay.js';

/** Those that work, if there are any: an application should not be the one that finds out about the others. */
export function preferProven(candidates: readonly Relay[]): readonly Relay[] {
  const proven = candidates.filter((relay) => relay.proven);
  return proven.length > 0 ? proven : candidates;
}

/** The best of `candidates`; of equal ones the first from `turn` on. */
export function bestRelay(candidates: readonly Relay[], turn: number): Relay | undefined {
  // One that was never used is taken for as quick as the quickest, so that it is tried.
  const known = candidates.map((relay) => relay.latencyMs).filter((ms) => ms !== undefined);
  const quickest = known.length > 0 ? Math.min(...known) : 1;
  let best: Relay | undefined;
  let bestScore = Infinity;
  for (let index = 0; index < candidates.length; index += 1) {
    const relay = candidates[(index + turn) % candidates.length] as Relay;
    const score = (relay.inFlight + 1) * rough(relay.latencyMs ?? quickest);
    if (score < bestScore) [best, bestScore] = [relay, score];
  }
  return best;
}

/** Latencies that hardly differ count as the same, so that relays take turns and no quota is used up before the others. */
function rough(ms: number): number {
  return 1.5 ** Math.round(Math.log(Math.max(ms, 10)) / Math.log(1.5));
}

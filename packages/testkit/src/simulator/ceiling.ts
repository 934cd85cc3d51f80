import type { Line } from './line.js';
import type { Ceiling } from './types.js';

/** Both legs, both ways. */
export interface Lines {
  readonly clientUp: Line;
  readonly clientDown: Line;
  readonly nodeUp: Line;
  readonly nodeDown: Line;
}

/** What lines bear at most, with so many requests in flight; each redirect takes the client's leg once more. */
export function ceilingOf(
  { clientUp, clientDown, nodeUp, nodeDown }: Lines,
  redirects: number,
  inFlight: number,
): Ceiling {
  const client = clientUp.delays.meanMs + clientDown.delays.meanMs;
  const roundTripMs = client * (1 + redirects) + nodeUp.delays.meanMs + nodeDown.delays.meanMs;
  return {
    roundTripMs,
    ...(roundTripMs > 0 ? { requestsPerSecond: (inFlight * 1_000) / roundTripMs } : {}),
    ...named('upMBps', clientUp, nodeUp),
    ...named('downMBps', clientDown, nodeDown),
  };
}

function named(name: 'upMBps' | 'downMBps', ...lines: readonly Line[]): Partial<Record<typeof name, number>> {
  const rates = lines.flatMap(({ pacer }) => pacer.MBps ?? []);
  return rates.length === 0 ? {} : { [name]: Math.min(...rates) };
}

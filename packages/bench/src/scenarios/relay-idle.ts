import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../bed/types.js';
import type { Lab } from '../run/lab.js';
import { wayTo } from '../run/measure-transfer.js';
import { startMeter } from '../run/meter.js';
import { tunnelScenario, type Measurement } from './scenario.js';
import { level2 } from './sizes.js';

/** Hold for which the target is meant. */
const MEANT_HOLD_MS = 30_000;
/** Holds until the client has found out what the relay bears. */
const HOLDS_TO_SETTLE = 6;

/** Streams that say nothing cost what one of them costs. */
export const relayIdle = tunnelScenario({
  name: 'relay-idle',
  about: 'requests of 1 and of 1,000 idle streams, counted with a short hold and scaled to one of 30 s',
  cold: true,
  variants: ({ quick }) => [
    level2('bytes', { streams: quick ? 50 : 1000, holdMs: quick ? 300 : 1000, watchSeconds: quick ? 2 : 12 }),
  ],
  lasts: ({ holdMs, watchSeconds }) => 2 * ((HOLDS_TO_SETTLE * holdMs) / 1e3 + watchSeconds),
  target: () => ({
    figure: 'requestsPerHour',
    atMost: 160,
    also: [
      { figure: 'mostInFlight', atMost: 1 },
      // The window may begin just before an exchange ends, or just after.
      { figure: 'addedRequests', atLeast: -1, atMost: 1 },
    ],
    text: 'the same number of requests (1 more or less by chance), at most one held at a time, at most 160 an hour where 30 s may be held',
  }),
  setUp: ({ level, encoding, holdMs }) => ({ level, encoding, holdMs }),
  measure: async (lab, bed, { streams, holdMs, watchSeconds }) => {
    const one = await watch(lab, bed, 1, holdMs, watchSeconds);
    const all = await watch(lab, bed, streams, holdMs, watchSeconds);
    const { requests = NaN, seconds = NaN } = all.figures;
    const figures = {
      ...all.figures,
      requestsPerHour: (requests / seconds) * 3600 * (holdMs / MEANT_HOLD_MS),
      addedRequests: requests - (one.figures.requests ?? NaN),
      mostInFlight: Math.max(one.figures.mostInFlight ?? NaN, all.figures.mostInFlight ?? NaN),
    };
    return { figures, problems: [...one.problems, ...all.problems] };
  },
});

/** Opens streams, lets them rest, and counts requests for a while. */
async function watch(lab: Lab, bed: Bed, count: number, holdMs: number, seconds: number): Promise<Measurement> {
  const way = wayTo(lab, bed);
  const { problems } = await lab.application.call('hold', { way, firstId: lab.takeIds(count), count }, 120_000);
  await delay(HOLDS_TO_SETTLE * holdMs);
  const meter = await startMeter(bed);
  await delay(seconds * 1e3);
  const figures = { seconds, ...(await meter(0)) };
  const broken = await lab.application.call('release', null);
  if (broken > 0) problems.push(`${broken} of ${count} idle streams were cut`);
  return { figures, problems };
}

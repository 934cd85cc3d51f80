import { setTimeout as delay } from 'node:timers/promises';
import { FREE_PATH, type UdpPathCounts, type UdpPathOptions } from '../check/udp-path-model.js';
import type { Child } from '../process/child.js';
import { nowMs } from '../process/clock.js';
import type { UdpPathVerbs } from '../workers/udp-path.js';
import type { SinkCounts, UdpProbeVerbs } from '../workers/udp-probe.js';
import { workerScenario } from './scenario.js';

/** Longest time until what was held has arrived, and how often that is asked: what is missing then is lost for good. */
const SETTLE_MS = 10_000;
const ASK_MS = 20;

const PATHS: Record<string, UdpPathOptions> = {
  free: FREE_PATH,
  lossy: {
    delayMs: 20,
    rateMbps: 100,
    lossPercent: 2,
    burst: { beginPercent: 0.5, endPercent: 25 },
    reorderPercent: 2,
    duplicatePercent: 1,
  },
};

/** The in-process path for datagrams, by itself: what it carries at most, and that it does what it is told. */
export const udpPath = workerScenario({
  name: 'udp-path',
  about: 'the in-process path for datagrams by itself: what it carries, each of them compared and counted at both ends',
  subject: 'udp-path',
  comparable: false,
  variants: ({ quick }) =>
    Object.keys(PATHS).map((path) => ({
      path,
      datagramBytes: 1200,
      datagrams: quick ? 2000 : path === 'free' ? 100_000 : 20_000,
    })),
  open: async (context, { path, datagramBytes, datagrams }) => {
    const options = PATHS[path] ?? FREE_PATH;
    return {
      measure: async () => {
        const [sink, source] = [
          await context.startHarness<UdpProbeVerbs>('udp-probe', 'sink'),
          await context.startHarness<UdpProbeVerbs>('udp-probe', 'source'),
        ];
        const between = await context.startHarness<UdpPathVerbs>('udp-path');
        try {
          const up = { ...options, seed: 1 };
          const down = { ...FREE_PATH, delayMs: options.delayMs };
          const to = await between.call('start', { to: await sink.call('sink', '127.0.0.1'), up, down });
          const window = path === 'free' ? 64 : 400;
          const { seconds } = await source.call(
            'send',
            { to, count: datagrams, bytes: datagramBytes, window },
            300_000,
          );
          const { carried, arrived } = await settled(datagrams, between, sink);
          const perSecond = arrived.arrived / seconds;
          return {
            figures: { seconds, operationsPerSecond: perSecond, MBps: (perSecond * datagramBytes) / 1e6 },
            problems: problemsOf(datagrams, carried, arrived),
          };
        } finally {
          await Promise.allSettled([between, sink, source].map((child) => child.stop()));
        }
      },
      close: () => Promise.resolve(),
    };
  },
});

/** What the path and the sink say once both have had everything, or when that takes too long. */
async function settled(
  sent: number,
  path: Child<UdpPathVerbs>,
  sink: Child<UdpProbeVerbs>,
): Promise<{ carried: UdpPathCounts; arrived: SinkCounts }> {
  for (const giveUpAtMs = nowMs() + SETTLE_MS; ; await delay(ASK_MS)) {
    const carried = (await path.call('counts', null)).up;
    const arrived = await sink.call('counts', null);
    const complete = carried.sent === sent && arrived.arrived >= carried.arriving;
    if (complete || nowMs() > giveUpAtMs) return { carried, arrived };
  }
}

/** Holds what the path says against what was sent and what arrived. */
export function problemsOf(sent: number, carried: UdpPathCounts, arrived: SinkCounts): string[] {
  const problems: string[] = [];
  if (arrived.wrong > 0) problems.push(`${arrived.wrong} datagrams had wrong bytes`);
  if (carried.sent !== sent) problems.push(`${sent} datagrams were sent, the path saw ${carried.sent}`);
  if (carried.arriving !== arrived.arrived)
    problems.push(`the path delivered ${carried.arriving} datagrams, the sink counted ${arrived.arrived}`);
  const different = carried.sent - carried.lost - carried.dropped;
  if (different !== arrived.different)
    problems.push(`the path let ${different} different datagrams through, the sink saw ${arrived.different}`);
  return problems;
}

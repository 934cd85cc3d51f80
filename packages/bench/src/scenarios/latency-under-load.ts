import { measureEcho } from '../run/measure-echo.js';
import { measureTransfer } from '../run/measure-transfer.js';
import { secondsAt, simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB } from './sizes.js';

/** What a download costs those who type. */
export const latencyUnderLoad = tunnelScenario({
  name: 'latency-under-load',
  about: 'a 1-byte echo beside a download that fills a link of 100 Mbit/s, and without it',
  ownLink: true,
  variants: ({ quick }) => [level2('bytes', { rateMbps: 100, echoes: quick ? 3 : 60, bytes: quick ? MiB : 48 * MiB })],
  lasts: ({ bytes, rateMbps, encoding }) => secondsAt(bytes, rateMbps, encoding),
  setUp: ({ level, encoding, rateMbps }) => ({ level, encoding, simulators: [simulatorOf({ rateMbps })] }),
  warmUp: (params) => ({ ...params, echoes: params.echoes / 10, bytes: params.bytes / 8 }),
  target: () => ({ figure: 'addedLatencyMsP99', atMost: 100, text: 'p99 at most 100 ms over unloaded' }),
  measure: async (lab, bed, { echoes, bytes }) => {
    const plan = { count: echoes, bytes: 1, stream: 'one', as: 'latencyMs', application: await lab.second() } as const;
    const unloaded = await measureEcho(lab, bed, plan);
    // The echoes end with the download, or soon after it; they are few enough to lie within it at full size.
    const [load, loaded] = await Promise.all([
      measureTransfer(lab, bed, { verb: 'download', streams: 1, bytesPerStream: bytes }),
      measureEcho(lab, bed, plan),
    ]);
    const addedLatencyMsP99 = (loaded.figures.latencyMsP99 ?? NaN) - (unloaded.figures.latencyMsP99 ?? NaN);
    return {
      figures: { ...load.figures, ...loaded.figures, addedLatencyMsP99 },
      problems: [...unloaded.problems, ...load.problems, ...loaded.problems],
    };
  },
});

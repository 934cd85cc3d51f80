import { distribution, wayTo } from '../run/measure-transfer.js';
import { startMeter } from '../run/meter.js';
import { tunnelScenario } from './scenario.js';
import { level2 } from './sizes.js';

/** Streams opened, used once and closed. */
export const opens = tunnelScenario({
  name: 'opens',
  about: 'streams opened, echoed on and closed a second, with and without 5 % of dead hosts',
  variants: ({ quick }) =>
    [0, 5].map((deadPercent) => level2('bytes', { deadPercent, opens: quick ? 40 : 1000, concurrency: 16 })),
  setUp: ({ level, encoding }) => ({ level, encoding }),
  measure: async (lab, bed, { opens: count, concurrency, deadPercent }) => {
    const meter = await startMeter(bed);
    const dead = deadPercent > 0 ? await lab.deadHost() : undefined;
    const { seconds, done, timesMs, problems } = await lab.application.call(
      'opens',
      {
        way: wayTo(lab, bed),
        firstId: lab.takeIds(count),
        count,
        concurrency,
        deadEvery: deadPercent > 0 ? Math.round(100 / deadPercent) : 0,
        ...(dead && { dead }),
        timeoutMs: 30_000,
      },
      600_000,
    );
    const { requests, processes } = await meter(0);
    const figures = { seconds, streamsPerSecond: done / seconds, ...distribution('firstByteMs', timesMs) };
    return {
      figures: { ...figures, ...(requests !== undefined && { requests }), ...(processes && { processes }) },
      problems,
    };
  },
});

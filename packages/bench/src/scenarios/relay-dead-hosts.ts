import { measureTransfer, wayTo } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB } from './sizes.js';

/** Dials that never end hold nobody up. */
export const relayDeadHosts = tunnelScenario({
  name: 'relay-dead-hosts',
  about: 'a download alone, and beside 32 opens to hosts that never answer',
  variants: ({ quick }) => [level2('bytes', { opens: 32, bytes: quick ? 2 * MiB : 64 * MiB })],
  setUp: ({ level, encoding }) => ({ level, encoding }),
  target: () => ({ figure: 'ratio', atLeast: 0.95, text: 'at least 95 % of the undisturbed rate' }),
  measure: async (lab, bed, { opens, bytes }) => {
    const plan = { verb: 'download', streams: 1, bytesPerStream: bytes } as const;
    const alone = await measureTransfer(lab, bed, plan);
    const beside = await lab.second();
    const dead = await lab.deadHost();
    await beside.call('knock', { way: { ...wayTo(lab, bed), ...dead }, count: opens, timeoutMs: 60_000 });
    const disturbed = await measureTransfer(lab, bed, plan);
    await beside.call('stopKnocking', null);
    const ratio = (disturbed.figures.MBps ?? NaN) / (alone.figures.MBps ?? NaN);
    return { figures: { ...disturbed.figures, ratio }, problems: [...alone.problems, ...disturbed.problems] };
  },
});

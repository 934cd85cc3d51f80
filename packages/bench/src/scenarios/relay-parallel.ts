import { measureTransfer } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { ENCODINGS, level2, MiB } from './sizes.js';

/** Many streams at once are neither slower than one, nor at each other's expense. */
export const relayParallel = tunnelScenario({
  name: 'relay-parallel',
  about: '32 streams of 4 MiB at once, beside one stream of the same bytes; fairness between them',
  variants: ({ quick }) =>
    ENCODINGS.map((encoding) => level2(encoding, { streams: 32, bytes: quick ? MiB / 8 : 4 * MiB })),
  peers: ({ encoding }) => encoding === 'bytes',
  setUp: ({ level, encoding }) => ({ level, encoding }),
  target: () => ({
    figure: 'jain',
    atLeast: 0.95,
    also: [{ figure: 'ratio', atLeast: 1 }],
    text: 'at least the one-stream rate (ratio 1); fairness (Jain) at least 0.95',
  }),
  measure: async (lab, bed, { streams, bytes }) => {
    const one = await measureTransfer(lab, bed, { verb: 'download', streams: 1, bytesPerStream: streams * bytes });
    const all = await measureTransfer(lab, bed, { verb: 'download', streams, bytesPerStream: bytes });
    const ratio = (all.figures.MBps ?? NaN) / (one.figures.MBps ?? NaN);
    return { figures: { ...all.figures, ratio }, problems: [...one.problems, ...all.problems] };
  },
});

import { openPipeBed } from '../bed/pipe-bed.js';
import { measureTransfer } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { level1, MiB } from './sizes.js';

/** Client and node without a relay in between, beside a plain pipe. */
export const direct = tunnelScenario({
  name: 'direct',
  about: 'the client straight to its node, beside a plain pipe in Node',
  peers: true,
  variants: ({ quick }) =>
    (['download', 'upload'] as const).map((verb) => level1({ verb, bytes: quick ? 2 * MiB : 64 * MiB })),
  setUp: () => ({ relays: 0 }),
  measure: (lab, bed, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
  baseline: {
    name: 'plain pipe',
    open: async (context, lab, { verb, bytes }) => {
      const bed = await openPipeBed(context);
      return {
        measure: () => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
        close: () => bed.close(),
      };
    },
  },
});

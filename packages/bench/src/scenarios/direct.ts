import { openPipeBed } from '../bed/pipe-bed.js';
import { measureTransfer } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB, VERBS } from './sizes.js';

/** Client and node without a relay in between, beside a plain pipe. */
export const direct = tunnelScenario({
  name: 'direct',
  about: 'the client straight to its node, beside a plain pipe in Node',
  variants: ({ quick }) => VERBS.map((verb) => level2('bytes', { verb, bytes: quick ? 2 * MiB : 64 * MiB })),
  peers: () => true,
  setUp: ({ level, encoding }) => ({ level, encoding, relays: 0 }),
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

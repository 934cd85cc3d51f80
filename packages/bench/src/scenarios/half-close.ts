import { measureTransfer } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB } from './sizes.js';

/** Either side ends its direction first, and the other is still carried to its last byte. */
export const halfClose = tunnelScenario({
  name: 'half-close',
  about: 'one side sends everything and ends, only then the other sends as much: either side first',
  variants: ({ quick }) =>
    (['end-first', 'end-last'] as const).map((verb) =>
      level2('bytes', {
        first: verb === 'end-first' ? 'target' : 'application',
        verb,
        streams: 4,
        bytes: quick ? MiB / 2 : 8 * MiB,
      }),
    ),
  peers: () => true,
  setUp: ({ level, encoding }) => ({ level, encoding }),
  measure: (lab, bed, { verb, streams, bytes }) => measureTransfer(lab, bed, { verb, streams, bytesPerStream: bytes }),
});

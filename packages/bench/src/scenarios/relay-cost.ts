import { measureTransfer } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { ENCODINGS, level2, MiB, payloadOf, VERBS } from './sizes.js';

/** Where requests are counted, none should travel half empty. */
export const relayCost = tunnelScenario({
  name: 'relay-cost',
  about: 'requests for 64 MiB, beside the least that can carry them',
  variants: ({ quick }) =>
    ENCODINGS.flatMap((encoding) => VERBS.map((verb) => level2(encoding, { verb, bytes: (quick ? 8 : 64) * MiB }))),
  target: () => ({
    figure: 'requestsRatio',
    atMost: 1.3,
    text: 'at most 1.3 times bytes / largest response (or request)',
  }),
  setUp: ({ level, encoding }) => ({ level, encoding }),
  measure: async (lab, bed, { verb, encoding, bytes }) => {
    const { figures, problems } = await measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes });
    const requestsRatio = (figures.requests ?? NaN) / (bytes / payloadOf(encoding));
    return { figures: { ...figures, requestsRatio }, problems };
  },
});

import { measureTransfer } from '../run/measure-transfer.js';
import { allowedMBps, secondsAt, simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { ENCODINGS, level2, MiB, VERBS } from './sizes.js';

/** A usual link: as much of it is used as there is. */
export const relayLink = tunnelScenario({
  name: 'relay-link',
  about: 'download and upload of 64 MiB over a relay 200 ms away at 100 Mbit/s, beside what the rate allows',
  ownLink: true,
  variants: ({ quick }) =>
    ENCODINGS.flatMap((encoding) =>
      VERBS.map((verb) =>
        level2(encoding, {
          verb,
          rttMs: quick ? 20 : 200,
          rateMbps: 100,
          bytes: quick ? MiB : 64 * MiB,
        }),
      ),
    ),
  lasts: ({ bytes, rateMbps, encoding }) => secondsAt(bytes, rateMbps, encoding),
  warmUp: (params) => ({ ...params, bytes: params.bytes / 8 }),
  target: () => ({ figure: 'ratio', atLeast: 0.85, text: 'at least 85 % of what the rate allows in that encoding' }),
  setUp: ({ level, encoding, rttMs, rateMbps }) => ({
    level,
    encoding,
    simulators: [simulatorOf({ rttMs, rateMbps })],
  }),
  measure: async (lab, bed, { verb, encoding, rateMbps, bytes }) => {
    const { figures, problems } = await measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes });
    const ratio = (figures.MBps ?? NaN) / allowedMBps(rateMbps, encoding);
    return { figures: { ...figures, ratio }, problems };
  },
});

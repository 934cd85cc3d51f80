import { measureTransfer } from '../run/measure-transfer.js';
import { allowedMBps, secondsAt, simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB, VERBS } from './sizes.js';

/** A relay so far away that a link's worth of bytes is many megabytes. */
export const relayFar = tunnelScenario({
  name: 'relay-far',
  about:
    'download and upload of 256 MiB as text over a relay 2 s away at 100 Mbit/s: how soon the link is full, and the rest',
  ownLink: true,
  cold: true,
  variants: ({ quick }) =>
    VERBS.map((verb) =>
      level2('text', { verb, rttMs: quick ? 100 : 2000, rateMbps: 100, bytes: quick ? MiB : 256 * MiB }),
    ),
  lasts: ({ bytes, rateMbps, encoding }) => secondsAt(bytes, rateMbps, encoding),
  target: () => ({
    figure: 'ratio',
    atLeast: 0.8,
    text: 'at least 80 % of what the rate allows over the last three quarters; the time to get there is printed',
  }),
  setUp: ({ level, encoding, rttMs, rateMbps }) => ({
    level,
    encoding,
    simulators: [simulatorOf({ rttMs, rateMbps })],
  }),
  measure: async (lab, bed, { verb, encoding, rateMbps, bytes }) => {
    const plan = { verb, streams: 1, bytesPerStream: bytes, settles: true } as const;
    const { figures, problems } = await measureTransfer(lab, bed, plan);
    const ratio = (figures.settledMBps ?? NaN) / allowedMBps(rateMbps, encoding);
    return { figures: { ...figures, ratio }, problems };
  },
});

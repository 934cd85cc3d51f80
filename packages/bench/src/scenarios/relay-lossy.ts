import type { BenchParams } from '@millrace/protocol';
import { openTunnelBed, type TunnelSetUp } from '../bed/tunnel-bed.js';
import { measureTransfer } from '../run/measure-transfer.js';
import { LOSSES, secondsAt, simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB, VERBS, type Encoding, type Verb } from './sizes.js';

interface LossyParams extends BenchParams {
  level: 1 | 2;
  encoding: Encoding;
  verb: Verb;
  rttMs: number;
  rateMbps: number;
  bytes: number;
}

const setUp = ({ level, encoding, rttMs, rateMbps }: LossyParams, faults: object): TunnelSetUp => ({
  level,
  encoding,
  simulators: [{ ...simulatorOf({ rttMs, rateMbps }), faults }],
});

/** A relay that loses one request or answer in ten, in silence. */
export const relayLossy = tunnelScenario<LossyParams>({
  name: 'relay-lossy',
  about:
    'the same 64 MiB while 5 % of requests and 5 % of answers are lost, 2 % doubled, 1 % cut, beside the clean link',
  ownLink: true,
  variants: ({ quick }) =>
    VERBS.map((verb) =>
      level2('text', { verb, rttMs: quick ? 20 : 200, rateMbps: 100, bytes: quick ? MiB : 64 * MiB }),
    ),
  lasts: ({ bytes, rateMbps, encoding }) => 2.5 * secondsAt(bytes, rateMbps, encoding),
  warmUp: (params) => ({ ...params, bytes: params.bytes / 8 }),
  target: () => ({
    figure: 'ratio',
    atLeast: 0.6,
    text: 'at least 60 % of the clean figure, no byte wrong; the longest silence is printed',
  }),
  setUp: (params) => setUp(params, LOSSES),
  measure: (lab, bed, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
  baseline: {
    name: 'clean link',
    open: async (context, lab, params) => {
      const bed = await openTunnelBed(context, setUp(params, {}));
      return {
        measure: (_own, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
        close: () => bed.close(),
      };
    },
  },
});

import type { BenchParams } from '@millrace/protocol';
import { openTunnelBed, type TunnelSetUp } from '../bed/tunnel-bed.js';
import { measureTransfer } from '../run/measure-transfer.js';
import { secondsAt, simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { level2, MiB, VERBS, type Encoding, type Verb } from './sizes.js';

interface UnequalParams extends BenchParams {
  level: 1 | 2;
  encoding: Encoding;
  verb: Verb;
  quickMs: number;
  slowMs: number;
  rateMbps: number;
  bytes: number;
}

const setUp = ({ level, encoding, rateMbps }: UnequalParams, roundTripsMs: number[]): TunnelSetUp => ({
  level,
  encoding,
  simulators: roundTripsMs.map((rttMs) => simulatorOf({ rttMs, rateMbps })),
});

/** A slow relay beside a quick one takes nothing away. */
export const relayUnequal = tunnelScenario<UnequalParams>({
  name: 'relay-unequal',
  about: 'download and upload over a relay of 200 ms and one of 6 s together, beside the quick one alone',
  ownLink: true,
  variants: ({ quick }) =>
    VERBS.map((verb) =>
      level2('bytes', {
        verb,
        quickMs: quick ? 10 : 200,
        slowMs: quick ? 300 : 6000,
        rateMbps: 100,
        bytes: quick ? MiB : 32 * MiB,
      }),
    ),
  lasts: ({ bytes, rateMbps, encoding }) => 2 * secondsAt(bytes, rateMbps, encoding),
  warmUp: (params) => ({ ...params, bytes: params.bytes / 8 }),
  target: () => ({ figure: 'ratio', atLeast: 1, text: 'at least the quick one alone' }),
  setUp: (params) => setUp(params, [params.quickMs, params.slowMs]),
  measure: (lab, bed, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
  baseline: {
    name: 'quick relay alone',
    open: async (context, lab, params) => {
      const bed = await openTunnelBed(context, setUp(params, [params.quickMs]));
      return {
        measure: (_own, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
        close: () => bed.close(),
      };
    },
  },
});

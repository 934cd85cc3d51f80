import { openFloorBed } from '../bed/floor-bed.js';
import { measureEcho } from '../run/measure-echo.js';
import { distribution } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { ENCODINGS, level2 } from './sizes.js';

/** Size of a bare exchange that it is held against: a packet with one small segment. */
const EXCHANGE_BYTES = 200;

/** The time from opening a stream to the first byte of an echo. */
export const relayLatency = tunnelScenario({
  name: 'relay-latency',
  about: 'first byte of a small echo on a fresh stream, beside bare exchanges of the same run',
  variants: ({ quick }) => ENCODINGS.map((encoding) => level2(encoding, { echoes: quick ? 10 : 300, bytes: 16 })),
  peers: ({ encoding }) => encoding === 'bytes',
  setUp: ({ level, encoding }) => ({ level, encoding }),
  target: () => ({
    figure: 'exchangesP50',
    atMost: 4,
    also: [{ figure: 'firstByteMsP99', atMost: 15 }],
    text: 'p50 at most four bare exchanges of the same run, p99 at most 15 ms',
  }),
  measure: (lab, bed, { echoes, bytes }) =>
    measureEcho(lab, bed, { count: echoes, bytes, stream: 'fresh', as: 'firstByteMs' }),
  baseline: {
    name: 'bare exchange',
    open: async (context, _lab, { echoes, encoding }) => {
      const bed = await openFloorBed(context);
      return {
        measure: async () => {
          const times = await bed.client.call('exchanges', { count: echoes, bodyBytes: EXCHANGE_BYTES, encoding });
          return { figures: distribution('latencyMs', times), problems: [] };
        },
        close: () => bed.close(),
      };
    },
    compare: ({ firstByteMsP50 = NaN }, { latencyMsP50 = NaN }) => ({ exchangesP50: firstByteMsP50 / latencyMsP50 }),
  },
});

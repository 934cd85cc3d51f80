import { measureTransfer } from '../run/measure-transfer.js';
import { simulatorOf } from './legs.js';
import { tunnelScenario } from './scenario.js';
import { level1, level2, MiB, VERBS } from './sizes.js';

/** Round trip of the leg between relays and node; that of the client is ten times as long. */
const NODE_LEG_RTT_MS = 4;

/** What ops in flight and more relays bring at level 1, where the client's leg is the slow one, and what level 2 does there. */
export const relayLevel1 = tunnelScenario({
  name: 'relay-level1',
  about:
    'level 1 by ops in flight and relays, with a client leg ten times slower than the node leg, and level 2 as text',
  ownLink: true,
  variants: ({ quick }) => {
    // What is 0 does not apply: level 2 knows no depth.
    const depths = quick ? [1, 8, 0] : [1, 2, 4, 8, 0];
    return (quick ? [3] : [1, 3]).flatMap((relays) =>
      VERBS.flatMap((verb) =>
        depths.map((depth) => {
          const params = { verb, relays, bytes: quick ? MiB / 4 : 16 * MiB, depth };
          return depth > 0 ? level1(params) : level2('text', params);
        }),
      ),
    );
  },
  warmUp: (params) => ({ ...params, bytes: params.bytes / 8 }),
  setUp: ({ level, encoding, depth, relays }) => ({
    level,
    encoding,
    ...(depth > 0 && { depth }),
    simulators: Array.from({ length: relays }, (_, i) => ({
      ...simulatorOf({ rttMs: 10 * NODE_LEG_RTT_MS, nodeRttMs: NODE_LEG_RTT_MS }),
      seed: i + 1,
    })),
  }),
  measure: (lab, bed, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
});

import { measureTransfer } from '../run/measure-transfer.js';
import { tunnelScenario } from './scenario.js';
import { level1, MiB } from './sizes.js';

/** Round trip of the leg between relays and node; that of the client is ten times as long. */
const NODE_LEG_RTT_MS = 4;

/** What ops in flight and more relays bring at level 1, where the client's leg is the slow one. */
export const relayLevel1 = tunnelScenario({
  name: 'relay-level1',
  about: 'level 1 by ops in flight and relays, with a client leg ten times slower than the node leg',
  peers: false,
  runs: 3,
  variants: ({ quick }) =>
    (quick ? [1, 8] : [1, 2, 4, 8]).flatMap((depth) =>
      (quick ? [3] : [1, 3]).flatMap((relays) =>
        (['download', 'upload'] as const).map((verb) =>
          level1({
            verb,
            depth,
            relays,
            bytes: quick ? MiB / 4 : 32 * MiB,
          }),
        ),
      ),
    ),
  setUp: ({ depth, relays }) => ({
    depth,
    relays,
    clientLeg: { rttMs: 10 * NODE_LEG_RTT_MS, rateMbps: 0, lossPercent: 0 },
    nodeLeg: { rttMs: NODE_LEG_RTT_MS, rateMbps: 0, lossPercent: 0 },
  }),
  measure: (lab, bed, { verb, bytes }) => measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: bytes }),
});

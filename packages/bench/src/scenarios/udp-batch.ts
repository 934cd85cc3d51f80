import { openBatchPair } from '../udp/batch-pair.js';
import { over } from '../udp/cost-ratio.js';
import { NO_ADDON, NO_CORES } from './sizes.js';
import { workerScenario } from './scenario.js';

const DIRECTIONS = ['send', 'receive'] as const;

/** What one packet costs on its way to and from the system. */
export const udpBatch = workerScenario<{
  direction: (typeof DIRECTIONS)[number];
  way: 'gso' | 'mmsg';
  packetBytes: number;
  bursts: number;
}>({
  name: 'udp-batch',
  about:
    'sending alone and receiving alone, in bursts, by each tier of the addon beside node:dgram, every packet compared',
  subject: 'millrace',
  comparable: true,
  variants: ({ quick }) =>
    DIRECTIONS.flatMap((direction) =>
      (['gso', 'mmsg'] as const).map((way) => ({ direction, way, packetBytes: 1200, bursts: quick ? 4 : 200 })),
    ),
  target: ({ way }) =>
    way === 'gso'
      ? {
          figure: 'costRatio',
          atMost: 1 / 8,
          text: "with segmentation offload at most 1/8 of node:dgram's CPU per packet",
        }
      : undefined,
  open: async (context, { direction, way, packetBytes, bursts }) => {
    const pair = await openBatchPair(context, direction, packetBytes);
    return {
      measure: () => pair.measure(way, bursts),
      notes: () => [...(pair.native ? [] : [NO_ADDON]), ...(pair.pinned ? [] : [NO_CORES])],
      baseline: {
        name: 'node:dgram',
        measure: () => pair.measure('dgram', Math.ceil(bursts / 4)),
        compare: (ours, theirs) => ({ costRatio: over(ours.cpuNsPerPacket, theirs.cpuNsPerPacket) }),
      },
      close: () => pair.close(),
    };
  },
});

import { over } from '../udp/cost-ratio.js';
import { openPipelinePair } from '../udp/pipeline-pair.js';
import { NO_ADDON, NO_CORES } from './sizes.js';
import { workerScenario } from './scenario.js';

/** Native against fallback: so many fewer frames take about the same time. */
const FALLBACK_SHARE = 1 / 8;

/** Both ends of a session on loopback, as fast as they can. */
export const udpPipeline = workerScenario<{ way: 'native' | 'fallback'; packetBytes: number; frames: number }>({
  name: 'udp-pipeline',
  about:
    'a UDP session between two processes, a core each, not paced, beside its fallback (node:dgram, node:crypto, WebAssembly): frames of 20 + 5 shards, each compared',
  subject: 'millrace',
  comparable: true,
  variants: ({ quick }) => [
    { way: 'native', packetBytes: 1200, frames: quick ? 300 : 40_000 },
    { way: 'fallback', packetBytes: 1200, frames: quick ? 100 : 5000 },
  ],
  target: ({ way }) =>
    way === 'fallback'
      ? { figure: 'MBps', atLeast: 31.25, text: 'without the addon at least 0.25 Gbit/s' }
      : {
          figure: 'sendCostRatio',
          atMost: 1 / 8,
          also: [
            { figure: 'receiveCostRatio', atMost: 1 / 8 },
            { figure: 'MBps', atLeast: 375 },
            { figure: 'sendHeapBytesPerPacket', atMost: 96 },
            { figure: 'receiveHeapBytesPerPacket', atMost: 16 },
          ],
          text: 'with the addon at most 1/8 of the CPU per packet without it, at both ends, at least 3 Gbit/s, at most 96 bytes of JavaScript heap per packet sent and 16 per packet received; without it at least 0.25 Gbit/s',
        },
  open: async (context, { way, packetBytes, frames }) => {
    const native = way === 'native';
    const own = await openPipelinePair(context, way, { native, packetBytes });
    let beside: ReturnType<typeof openPipelinePair> | undefined;
    const openBeside = () => (beside ??= openPipelinePair(context, 'fallback', { native: false, packetBytes }));
    return {
      measure: () => own.measure(frames),
      notes: () => [...(native && own.tier === 'dgram' ? [NO_ADDON] : []), ...(own.pinned ? [] : [NO_CORES])],
      close: async () => {
        await Promise.allSettled([own.close(), beside?.then((pair) => pair.close())]);
      },
      ...(native && {
        baseline: {
          name: 'fallback',
          measure: async () => (await openBeside()).measure(Math.ceil(frames * FALLBACK_SHARE)),
          compare: (ours, theirs) => ({
            sendCostRatio: over(ours.sendCpuNsPerPacket, theirs.sendCpuNsPerPacket),
            receiveCostRatio: over(ours.receiveCpuNsPerPacket, theirs.receiveCpuNsPerPacket),
          }),
        },
      }),
    };
  },
});

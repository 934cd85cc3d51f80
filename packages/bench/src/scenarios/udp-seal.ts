import type { MicroVerbs } from '../micro/serve-tasks.js';
import { over } from '../udp/cost-ratio.js';
import { NO_ADDON } from './sizes.js';
import { workerScenario } from './scenario.js';

/** What of node:crypto's time a packet may take with the addon. */
const SHARES = { 'aes-128-gcm': 1 / 10, 'chacha20-poly1305': 1 / 6 };

/** Sealing alone, and opening alone: the tasks of `micro`, each beside node:crypto. */
export const udpSeal = workerScenario<{ task: 'seal' | 'open'; cipher: keyof typeof SHARES; timeMs: number }>({
  name: 'udp-seal',
  about: 'packets of 1,200 bytes sealed and opened in groups by the addon, beside node:crypto, a call for each packet',
  subject: 'millrace',
  comparable: true,
  variants: ({ quick }) =>
    (['aes-128-gcm', 'chacha20-poly1305'] as const).flatMap((cipher) =>
      (['seal', 'open'] as const).map((task) => ({ task, cipher, timeMs: quick ? 20 : 500 })),
    ),
  target: ({ cipher }) => ({
    figure: 'costRatio',
    atMost: SHARES[cipher],
    text: 'at most 1/10 of node:crypto per packet with AES-128-GCM, 1/6 with ChaCha20-Poly1305',
  }),
  open: async (context, { task, cipher, timeMs }) => {
    const worker = await context.startSubject<MicroVerbs>('micro-seal');
    const native = (await worker.call('tasks', null)).includes(`${task}-${cipher}-native`);
    const measure = async (kind: string) => ({
      figures: await worker.call('run', { task: `${task}-${cipher}-${kind}`, timeMs }),
      problems: [],
    });
    return {
      measure: () => measure(native ? 'native' : 'node'),
      notes: () => (native ? [] : [NO_ADDON]),
      baseline: {
        name: 'node:crypto',
        measure: () => measure('node'),
        compare: (ours, theirs) => ({ costRatio: over(ours.cpuNsPerPacket, theirs.cpuNsPerPacket) }),
      },
      close: () => worker.stop(),
    };
  },
});

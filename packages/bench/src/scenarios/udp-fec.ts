import type { MicroVerbs } from '../micro/serve-tasks.js';
import { NO_ADDON } from './sizes.js';
import { workerScenario } from './scenario.js';

/** What is to be reached, in 10^6 bytes of data a second. */
const TARGETS = {
  native: { encode: 4000, decode: 3500 },
  wasm: { encode: 1000, decode: 900 },
  scalar: undefined,
};

/** Forward error correction alone, by each code there is: the tasks of `micro`. */
export const udpFec = workerScenario<{ task: 'encode' | 'decode'; kernel: keyof typeof TARGETS; timeMs: number }>({
  name: 'udp-fec',
  about: 'Reed-Solomon of 20 data and 5 parity shards of 1,200 bytes: encoding, and decoding 5 losses, by each kernel',
  subject: 'millrace',
  comparable: true,
  variants: ({ quick }) =>
    (['native', 'wasm', 'scalar'] as const).flatMap((kernel) =>
      (['encode', 'decode'] as const).map((task) => ({ task, kernel, timeMs: quick ? 20 : 500 })),
    ),
  target: ({ task, kernel }) => {
    const atLeast = TARGETS[kernel]?.[task];
    const text = 'encoding at least 4 GB/s and decoding 3.5 with the addon, 1 and 0.9 in WebAssembly';
    return atLeast === undefined ? undefined : { figure: 'MBps', atLeast, text };
  },
  open: async (context, { task, kernel, timeMs }) => {
    const worker = await context.startSubject<MicroVerbs>('micro-fec');
    const there = (await worker.call('tasks', null)).includes(`${task}-${kernel}`);
    const missing = kernel === 'native' ? NO_ADDON : `${kernel} is not there: measured without it`;
    return {
      measure: async () => ({
        figures: await worker.call('run', { task: there ? `${task}-${kernel}` : `fec-${task}`, timeMs }),
        problems: [],
      }),
      notes: () => (there ? [] : [missing]),
      close: () => worker.stop(),
    };
  },
});

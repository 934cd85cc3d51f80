import type { MicroVerbs } from '../micro/serve-tasks.js';
import { workerScenario } from './scenario.js';

/** Tasks by the worker that has them. */
const TASKS = {
  'micro-level1': [
    'level1-encode-request',
    'level1-decode-request',
    'level1-encode-response',
    'level1-decode-response',
    'scan-key',
    'base64-encode',
    'base64-decode',
  ],
  'micro-level2': ['level2-encode', 'level2-decode', 'level2-encode-200-segments', 'level2-decode-200-segments'],
  'micro-engine': ['engine-down', 'engine-up', 'engine-open-close', 'scheduler-500-streams'],
  'micro-seal': ['seal-aes-128-gcm', 'open-aes-128-gcm', 'seal-chacha20-poly1305', 'open-chacha20-poly1305'],
  'micro-fec': ['fec-encode', 'fec-decode'],
  'micro-session': ['session-frames'],
} as const;

/** Single functions on fixed inputs: where a change of code shows first. */
export const micro = workerScenario({
  name: 'micro',
  about: 'codecs, stream engine, scheduler, sealing, error correction and UDP session on fixed inputs, by tinybench',
  subject: 'millrace',
  comparable: true,
  variants: ({ quick }) =>
    Object.values(TASKS).flatMap((tasks) => tasks.map((task) => ({ task, timeMs: quick ? 20 : 200 }))),
  open: async (context, { task, timeMs }) => {
    const [name = ''] = Object.entries(TASKS).find(([, tasks]) => (tasks as readonly string[]).includes(task)) ?? [];
    const worker = await context.startSubject<MicroVerbs>(name);
    return {
      measure: async () => ({ figures: await worker.call('run', { task, timeMs }), problems: [] }),
      close: () => worker.stop(),
    };
  },
});

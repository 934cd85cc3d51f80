import type { MicroVerbs } from '../workers/micro.js';
import { workerScenario } from './scenario.js';

/** Single functions on fixed inputs: where a change of code shows first. */
export const micro = workerScenario({
  name: 'micro',
  about: 'codecs on fixed inputs, by tinybench',
  subject: 'millrace',
  comparable: true,
  variants: ({ quick }) =>
    [
      'level1-encode-request',
      'level1-decode-request',
      'level1-encode-response',
      'level1-decode-response',
      'scan-key',
      'base64-encode',
      'base64-decode',
      'level2-encode',
      'level2-decode',
    ].map((task) => ({ task, timeMs: quick ? 20 : 500 })),
  open: async (context, { task, timeMs }) => {
    const worker = await context.startSubject<MicroVerbs>('micro');
    return {
      measure: async () => ({ figures: await worker.call('run', { task, timeMs }), problems: [] }),
      close: () => worker.stop(),
    };
  },
});

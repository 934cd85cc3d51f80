import type { PipeVerbs } from '../workers/pipe.js';
import { measured, type Bed, type BedContext } from './types.js';

/** A plain pipe in Node between application and target: the floor of everything that runs in one process. */
export async function openPipeBed(context: BedContext): Promise<Bed> {
  const pipe = await context.startHarness<PipeVerbs>('pipe');
  const { farHost: host } = context;
  const port = await pipe.call('start', { listen: host, to: context.target });
  return { entry: { kind: 'forward', host, port }, measured: [measured(pipe)], close: () => pipe.stop() };
}

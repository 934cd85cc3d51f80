import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import type { PipeVerbs } from '../workers/pipe.js';
import { shape } from './shape.js';
import { measured, stopAll, type Bed, type BedContext } from './types.js';

/** A plain pipe in Node between application and target, behind the link where there is one: the floor of everything that runs in one process. */
export async function openPipeBed(context: BedContext): Promise<Bed> {
  const { farHost, link, target } = context;
  const links: Array<Child<Verbs>> = [];
  const pipe = await context.startHarness<PipeVerbs>('pipe');
  const close = (): Promise<void> => stopAll([pipe, ...links]);
  try {
    const port = await pipe.call('start', { listen: farHost, to: target });
    const url = `http://${farHost}:${port}`;
    const entry = new URL(link ? await shape(context, url, link, links) : url);
    return {
      entry: { kind: 'forward', host: entry.hostname, port: Number(entry.port) },
      measured: [measured(pipe)],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

import type { BenchCeiling } from '@millrace/protocol';
import { shape } from '../bed/shape.js';
import type { Bed } from '../bed/types.js';
import type { Link } from '../check/shaped-direction.js';
import { bedContext, type WorkerFolders } from './context.js';
import { openLab } from './lab.js';
import { measureTransfer } from './measure-transfer.js';

const CEILING_BYTES = 64 * 2 ** 20;

/** Measures what the shaper itself carries when it has nothing to wait for: a scenario near that says nothing of the tunnel. */
export async function measureCeiling(folders: WorkerFolders, link: Link, quick: boolean): Promise<BenchCeiling> {
  const context = bedContext({ folders, side: 'subject', name: 'ceiling', targetPort: 0 });
  const lab = await openLab(context.startHarness);
  const links: Parameters<typeof shape>[3] = [];
  try {
    // A delay too short to be felt takes the same path through the shaper as a long one.
    const url = await shape(
      context,
      `http://127.0.0.1:${lab.targetPort}`,
      { rttMs: 0.001, rateMbps: 0, lossPercent: 0 },
      links,
    );
    const bed: Bed = {
      entry: { kind: 'forward', host: '127.0.0.1', port: Number(new URL(url).port) },
      measured: [],
      close: () => Promise.resolve(),
    };
    const plan = {
      verb: 'download',
      streams: 4,
      bytesPerStream: (quick ? CEILING_BYTES / 16 : CEILING_BYTES) / 4,
    } as const;
    const { figures, problems } = await measureTransfer(lab, bed, plan);
    if (problems.length > 0) throw new Error(`the shaper itself is wrong: ${problems.join('; ')}`);
    return { link: 'client leg', ...link, MBps: figures.MBps ?? 0 };
  } finally {
    await Promise.allSettled(links.map((child) => child.stop()));
    await lab.close();
  }
}

import type { BenchCeiling } from '@millrace/protocol';
import { shape } from '../bed/shape.js';
import type { Bed } from '../bed/types.js';
import type { Link } from '../check/shaped-direction.js';
import type { RelaySimulatorVerbs } from '../workers/relay-simulator.js';
import { bedContext, type WorkerFolders } from './context.js';
import { openKernelLink } from './kernel-link.js';
import { openLab } from './lab.js';
import { measureTransfer } from './measure-transfer.js';

/** Names of links in reports. */
const SHAPER = 'client leg';
const KERNEL_LINK = 'kernel link';
export const SIMULATOR = 'relay simulator';

const CEILING_BYTES = 64 * 2 ** 20;
const FREE: Link = { rttMs: 0, rateMbps: 0, lossPercent: 0 };
/** A delay too short to be felt takes the same path through the shaper as a long one. */
const BARELY_SHAPED: Link = { ...FREE, rttMs: 0.001 };

/** Measures what the in-process shaper carries when it has nothing to wait for: a scenario near that says nothing of the tunnel. */
export async function measureShaper(folders: WorkerFolders, link: Link, quick: boolean): Promise<BenchCeiling> {
  const context = bedContext({ folders, side: 'subject', name: 'ceiling' });
  const lab = await openLab(context.startHarness);
  const links: Parameters<typeof shape>[3] = [];
  try {
    const url = await shape(context, `http://127.0.0.1:${lab.address.port}`, BARELY_SHAPED, links);
    const MBps = await download(lab, { host: '127.0.0.1', port: Number(new URL(url).port) }, quick);
    return { link: SHAPER, ...link, MBps };
  } finally {
    await Promise.allSettled(links.map((child) => child.stop()));
    await lab.close();
  }
}

/** The same of the kernel's link, with a link that has no limits. */
export async function measureKernelLink(folders: WorkerFolders, link: Link, quick: boolean): Promise<BenchCeiling> {
  const kernel = await openKernelLink(FREE);
  try {
    const { startHarness, farHost } = bedContext({ folders, side: 'subject', name: 'ceiling', kernel });
    const lab = await openLab(startHarness, farHost);
    try {
      return { link: KERNEL_LINK, ...link, MBps: await download(lab, lab.address, quick) };
    } finally {
      await lab.close();
    }
  } finally {
    await kernel.close();
  }
}

/** The same of the relay simulator, with legs that have no limits: bodies as large as relays take, each way at once. */
export async function measureSimulator(folders: WorkerFolders, quick: boolean): Promise<BenchCeiling> {
  const { startHarness } = bedContext({ folders, side: 'subject', name: 'ceiling' });
  const simulator = await startHarness<RelaySimulatorVerbs>('relay-simulator');
  try {
    // Its own echo takes the place of the node.
    await simulator.call('start', { node: 'http://127.0.0.1:9' });
    const MBps = await simulator.call('ceiling', { bytes: 4 * 2 ** 20, inFlight: 4, requests: quick ? 8 : 64 });
    return { link: SIMULATOR, ...FREE, MBps };
  } finally {
    await simulator.stop();
  }
}

async function download(
  lab: Awaited<ReturnType<typeof openLab>>,
  to: { host: string; port: number },
  quick: boolean,
): Promise<number> {
  const bed: Bed = { entry: { kind: 'forward', ...to }, measured: [], close: () => Promise.resolve() };
  const bytesPerStream = (quick ? CEILING_BYTES / 16 : CEILING_BYTES) / 4;
  const { figures, problems } = await measureTransfer(lab, bed, { verb: 'download', streams: 4, bytesPerStream });
  if (problems.length > 0) throw new Error(`the link itself is wrong: ${problems.join('; ')}`);
  return figures.MBps ?? 0;
}

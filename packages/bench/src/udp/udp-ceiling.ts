import type { BenchCeiling } from '@millrace/protocol';
import { stopAll } from '../bed/types.js';
import type { Child } from '../process/child.js';
import { bedContext, type WorkerFolders } from '../run/context.js';
import type { UdpProbeVerbs } from '../workers/udp-probe.js';
import { openUdpLink, type UdpLinkKind } from './udp-link.js';

const DATAGRAM_BYTES = 1200;
/** Datagrams that are under way at once: fewer than any kernel's buffer holds. */
const WINDOW = 64;
const FREE = { rttMs: 0, rateMbps: 0, lossPercent: 0 };

/** Names in reports of the links that UDP sessions run over. */
export const UDP_LINKS: Record<UdpLinkKind, string> = { kernel: 'kernel link for UDP', 'in-process': 'path for UDP' };

/** What a link for UDP carries when it has nothing to wait for: datagrams of a plain socket, one call each. */
export async function measureUdpLink(folders: WorkerFolders, kind: UdpLinkKind, quick: boolean): Promise<BenchCeiling> {
  const context = bedContext({ folders, side: 'subject', name: 'ceiling' });
  const link = await openUdpLink(context, kind, FREE);
  const probes: Array<Child<UdpProbeVerbs>> = [];
  try {
    const sink = await link.context.startHarness<UdpProbeVerbs>('udp-probe', 'sink', 'far');
    probes.push(sink);
    const source = await link.context.startHarness<UdpProbeVerbs>('udp-probe', 'source', 'near');
    probes.push(source);
    const to = await link.toward(await sink.call('sink', link.farHost));
    const count = quick ? 2000 : 50_000;
    const { seconds } = await source.call('send', { to, count, bytes: DATAGRAM_BYTES, window: WINDOW });
    const { arrived, wrong } = await sink.call('counts', null);
    if (wrong > 0) throw new Error(`the link itself is wrong: ${wrong} datagrams had wrong bytes`);
    const packetsPerSecond = arrived / seconds;
    return { link: UDP_LINKS[kind], ...FREE, MBps: (packetsPerSecond * DATAGRAM_BYTES) / 1e6, packetsPerSecond };
  } finally {
    await stopAll(probes);
    await link.close();
  }
}

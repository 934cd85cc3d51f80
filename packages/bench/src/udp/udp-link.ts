import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { stopAll, type BedContext } from '../bed/types.js';
import type { Link } from '../check/shaped-direction.js';
import { FREE_PATH } from '../check/udp-path-model.js';
import type { Child } from '../process/child.js';
import type { UdpPathVerbs } from '../workers/udp-path.js';
import { kernelLinkMissing, openKernelLink } from '../run/kernel-link.js';

/** Which link: one of the kernel's between two namespaces, or the path for datagrams in a process. */
export type UdpLinkKind = 'kernel' | 'in-process';

/** A link with ends for UDP sessions; one of the kernel's carries TCP too, with BBR. */
export interface UdpLink {
  readonly kind: UdpLinkKind;
  /** Starts processes at its ends. */
  readonly context: BedContext;
  /** Address on which the far end listens. */
  readonly farHost: string;
  /** Where the near end sends to, so that it comes to the far end's address. */
  readonly toward: (far: Address) => Promise<Address>;
  close(): Promise<void>;
}

interface Address {
  host: string;
  port: number;
}

const CONTROLS = '/proc/sys/net/ipv4/tcp_available_congestion_control';
const CONTROL = '/proc/sys/net/ipv4/tcp_congestion_control';

/** Why there can be no link with TCP BBR on it here; undefined where there can. */
function bbrLinkMissing(): string | undefined {
  const missing = kernelLinkMissing();
  if (missing !== undefined) return missing;
  try {
    return readFileSync(CONTROLS, 'utf8').includes('bbr') ? undefined : 'the kernel has no TCP BBR';
  } catch {
    return 'no congestion control can be chosen here';
  }
}

/** The link that scenarios of a UDP session run over: the kernel's, except for quick runs and where it cannot be had. */
export const udpLinkKind = (quick: boolean): UdpLinkKind =>
  quick || bbrLinkMissing() !== undefined ? 'in-process' : 'kernel';

/** What is to be known of a result that was measured over the other link. */
export function linkNotes(kind: UdpLinkKind): string[] {
  const missing = kind === 'kernel' ? undefined : bbrLinkMissing();
  return missing === undefined ? [] : [`over the in-process path, without TCP beside it: ${missing}`];
}

/** Makes the link. Loss, rate and half of the round trip are those of each way; the queue is one bandwidth-delay product. */
export function openUdpLink(context: BedContext, kind: UdpLinkKind, link: Link): Promise<UdpLink> {
  return kind === 'kernel' ? overKernel(context, link) : Promise.resolve(inProcess(context, link));
}

async function overKernel(context: BedContext, link: Link): Promise<UdpLink> {
  const kernel = await openKernelLink(link);
  try {
    for (const [program = '', ...args] of Object.values(kernel.within)) {
      await promisify(execFile)(program, [...args, 'sh', '-c', `echo bbr > ${CONTROL}`]);
    }
  } catch (error) {
    await kernel.close();
    throw error;
  }
  return {
    kind: 'kernel',
    context: context.over(kernel),
    farHost: kernel.farHost,
    toward: (far) => Promise.resolve(far),
    close: () => kernel.close(),
  };
}

function inProcess(context: BedContext, { rttMs, rateMbps, lossPercent }: Link): UdpLink {
  const paths: Array<Child<UdpPathVerbs>> = [];
  const queueBytes = rateMbps * 125 * rttMs;
  const way = { ...FREE_PATH, delayMs: rttMs / 2, rateMbps, lossPercent, ...(queueBytes > 0 && { queueBytes }) };
  return {
    kind: 'in-process',
    context,
    farHost: '127.0.0.1',
    toward: async (to) => {
      const path = await context.startHarness<UdpPathVerbs>('udp-path');
      paths.push(path);
      return path.call('start', { to, up: { ...way, seed: 1 }, down: { ...way, seed: 2 } });
    },
    close: () => stopAll(paths),
  };
}

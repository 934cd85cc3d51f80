import type { Bed, BedContext } from '../bed/types.js';
import type { Link } from '../check/shaped-direction.js';
import { openLab, type Lab } from '../run/lab.js';
import { SessionPair } from './session-pair.js';
import { openUdpLink, type UdpLinkKind } from './udp-link.js';

/** Name of what stands beside a UDP session on the same link. */
export const TCP_BBR = 'TCP BBR';

/** Both ends of UDP sessions over a link, and of plain TCP over the same one. */
export interface SessionBed {
  readonly pair: SessionPair;
  /** Absent on a link that carries no TCP, and where it is not wanted. */
  readonly tcp?: { readonly lab: Lab; readonly bed: Bed };
  close(): Promise<void>;
}

/** Makes the link and starts what is at its ends. */
export async function openSessionBed(
  context: BedContext,
  { link: kind, ...link }: Link & { link: UdpLinkKind },
  wantsTcp: boolean,
): Promise<SessionBed> {
  const open = await openUdpLink(context, kind, link);
  const parts: Array<{ close(): Promise<void> }> = [open];
  const close = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.close().catch(() => undefined);
  };
  try {
    const pair = await SessionPair.open(open);
    parts.push(pair);
    if (!wantsTcp || kind !== 'kernel') return { pair, close };
    const lab = await openLab(open.context.startHarness, open.farHost);
    parts.push(lab);
    // Nothing stands between the ends: the way to the target is the target itself.
    const bed: Bed = { entry: { kind: 'forward', ...lab.address }, measured: [], close: () => Promise.resolve() };
    return { pair, tcp: { lab, bed }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

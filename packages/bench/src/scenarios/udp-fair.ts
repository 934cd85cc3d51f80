import type { BenchFigures, BenchParams } from '@millrace/protocol';
import { measureTransfer } from '../run/measure-transfer.js';
import { openSessionBed, TCP_BBR, type SessionBed } from '../udp/session-bed.js';
import type { FramesMeasured } from '../udp/session-pair.js';
import { linkNotes, udpLinkKind, type UdpLinkKind } from '../udp/udp-link.js';
import { workerScenario, type Measurement } from './scenario.js';
import { MiB } from './sizes.js';

interface FairParams extends BenchParams {
  link: UdpLinkKind;
  rttMs: number;
  rateMbps: number;
  lossPercent: number;
  seconds: number;
  frameBytes: number;
}

/** Frames of bulk are of use for long. */
const DEADLINE_MS = 2000;
/**
 * What TCP is given to carry, as a share of what the link can in that time: three quarters of the payload is all that it may
 * take, and headers and repairs leave less of the link than that for payload.
 */
const TCP_SHARE = 0.65;

/** Two that share a bottleneck, side by side: how much each got, and what was wrong with either. */
interface Shared {
  ours: Measurement;
  other: Measurement;
}

/** A session beside one TCP connection with BBR, through one bottleneck. */
export const udpFair = workerScenario<FairParams>({
  name: 'udp-fair',
  about:
    'UDP session and one TCP BBR connection through one bottleneck with a queue of one bandwidth-delay product, both with all they can send',
  subject: 'millrace',
  ownLink: true,
  comparable: false,
  // TCP is given more than it may take, and takes the rest alone.
  variants: ({ quick }) => [
    {
      link: udpLinkKind(quick),
      rttMs: 40,
      rateMbps: 100,
      lossPercent: 0,
      seconds: quick ? 1 : 60,
      frameBytes: MiB / 8,
    },
  ],
  lasts: ({ seconds }) => 1.3 * seconds,
  warmUp: (params) => ({ ...params, seconds: params.seconds / 20 }),
  target: () => ({ figure: 'ratio', atLeast: 1 / 3, text: 'the slower at least a third of the other' }),
  open: async (context, params) => {
    const bed = await openSessionBed(context, params, true);
    let other: Measurement | undefined;
    return {
      measure: async (now) => {
        const shared = await (bed.tcp ? besideTcp(bed, now) : besideItself(bed, now));
        ({ other } = shared);
        return shared.ours;
      },
      close: () => bed.close(),
      notes: () => linkNotes(params.link),
      baseline: {
        name: bed.tcp ? TCP_BBR : 'a second session',
        // It was measured at the same time.
        measure: () => (other ? Promise.resolve(other) : Promise.reject(new Error('there is no run'))),
        compare: ({ MBps: a = NaN }, { MBps: b = NaN }) => ({ ratio: Math.min(a / b, b / a) }),
      },
    };
  },
});

async function besideTcp({ pair, tcp }: SessionBed, params: FairParams): Promise<Shared> {
  if (!tcp) throw new TypeError('this link carries no TCP');
  const { seconds, rateMbps } = params;
  const bytesPerStream = Math.round((TCP_SHARE * seconds * rateMbps * 1e6) / 8);
  await pair.join();
  try {
    const meter = await pair.meter();
    const [frames, transfer] = await Promise.all([
      pair.frames(bulkOf(params)),
      measureTransfer(tcp.lab, tcp.bed, { verb: 'download', streams: 1, bytesPerStream }),
    ]);
    const both = Math.min(seconds, transfer.figures.seconds ?? seconds);
    return {
      ours: {
        figures: { ...figuresOf(frames, params, both), ...(await meter(payloadOf(frames, params, both))) },
        problems: frames.problems,
      },
      other: { figures: { seconds: both, MBps: firstPart(transfer.figures, both) }, problems: transfer.problems },
    };
  } finally {
    await pair.leave();
  }
}

async function besideItself({ pair }: SessionBed, params: FairParams): Promise<Shared> {
  await pair.join();
  await pair.join();
  try {
    const [ours, other] = await Promise.all([0, 1].map((session) => pair.frames(bulkOf(params), session)));
    if (!ours || !other) throw new TypeError('there are two sessions');
    return {
      ours: { figures: figuresOf(ours, params, params.seconds), problems: ours.problems },
      other: { figures: figuresOf(other, params, params.seconds), problems: other.problems },
    };
  } finally {
    await pair.leave();
  }
}

const bulkOf = ({ frameBytes, seconds }: FairParams) => ({
  everyMs: 0,
  // What is lost at the end of a short run is waited for this long.
  deadlineMs: Math.min(DEADLINE_MS, seconds * 500),
  frameBytes,
  count: Infinity,
  forMs: seconds * 1e3,
});

/** Payload that came in the first seconds. */
function payloadOf({ sent, taken }: FramesMeasured, { frameBytes }: FairParams, seconds: number): number {
  return Object.values(taken.arrivedMs).filter((ms) => ms <= sent.startMs + seconds * 1e3).length * frameBytes;
}

const figuresOf = (measured: FramesMeasured, params: FairParams, seconds: number): BenchFigures => ({
  seconds,
  MBps: payloadOf(measured, params, seconds) / 1e6 / seconds,
});

/** What a transfer brought in its first seconds, as a mean: the bins of its timeline, the last of them in part. */
export function firstPart({ timelineMBps = [], timelineBinMs = NaN }: BenchFigures, seconds: number): number {
  const bins = (seconds * 1e3) / timelineBinMs;
  const megabytes = timelineMBps.reduce(
    (sum, MBps, bin) => sum + (MBps * timelineBinMs * Math.max(0, Math.min(1, bins - bin))) / 1e3,
    0,
  );
  return megabytes / seconds;
}

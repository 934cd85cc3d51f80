import type { BenchFigures, BenchParams } from '@millrace/protocol';
import { distribution, measureTransfer } from '../run/measure-transfer.js';
import { openSessionBed, TCP_BBR, type SessionBed } from '../udp/session-bed.js';
import { frameTimes, type FramesMeasured } from '../udp/session-pair.js';
import { linkNotes, udpLinkKind, type UdpLinkKind } from '../udp/udp-link.js';
import { workerScenario, type Measurement } from './scenario.js';
import { MiB } from './sizes.js';

interface LossParams extends BenchParams {
  link: UdpLinkKind;
  traffic: 'bulk' | 'frames';
  rttMs: number;
  lossPercent: number;
  rateMbps: number;
  frameBytes: number;
  frames: number;
}

const RTT_MS = 40;
const CAP_MBPS = 200;
/** For want of TCP to compare with, the in-process path always has a rate. */
const IN_PROCESS_MBPS = 100;
/** Live media, as frames: 60 a second, each of use for this long. Bulk: the next as soon as there is room, with time for many round trips. */
const TRAFFIC = {
  frames: { frameBytes: 50_000, everyMs: 1000 / 60, deadlineMs: 150 },
  bulk: { frameBytes: MiB / 4, everyMs: 0, deadlineMs: 2000 },
} as const;

/** What a link that loses packets lets through of bulk, beside TCP BBR; and how many live frames are in time. */
export const udpLoss = workerScenario<LossParams>({
  name: 'udp-loss',
  about:
    'UDP session over a link of 20 ms each way with loss: bulk beside TCP BBR; frames of 50 KB, 60 a second, whole within 150 ms',
  subject: 'millrace',
  ownLink: true,
  comparable: true,
  variants: ({ quick }) => {
    const link = udpLinkKind(quick);
    const capped = link === 'kernel' ? CAP_MBPS : IN_PROCESS_MBPS;
    const variant = (traffic: LossParams['traffic'], lossPercent: number, rateMbps: number, frames: number) => ({
      link,
      traffic,
      rttMs: RTT_MS,
      lossPercent,
      rateMbps,
      frameBytes: TRAFFIC[traffic].frameBytes,
      frames,
    });
    if (quick) return [variant('bulk', 2, capped, 12), variant('frames', 5, capped, 60)];
    return [
      variant('bulk', 1, link === 'kernel' ? 0 : capped, 1024),
      variant('bulk', 2, capped, 1024),
      variant('frames', 2, capped, 1200),
      variant('frames', 5, capped, 1200),
    ];
  },
  lasts: ({ traffic, frames }) => (traffic === 'frames' ? (frames * TRAFFIC.frames.everyMs) / 1e3 : 20),
  warmUp: (params) => ({ ...params, frames: params.frames / 8 }),
  target: ({ link, traffic }) => {
    if (traffic === 'frames')
      return { figure: 'inTimePercent', atLeast: 99.9, text: 'at least 99.9 % of the frames whole within 150 ms' };
    const beside = link === 'kernel' ? 'the goodput of TCP BBR on the same link' : 'what the rate lets through';
    return { figure: 'ratio', atLeast: 0.85, text: `at least 0.85 of ${beside}` };
  },
  open: async (context, params) => {
    const bed = await openSessionBed(context, params, params.traffic === 'bulk');
    const { tcp } = bed;
    return {
      measure: (now) => measureFrames(bed, now),
      close: () => bed.close(),
      notes: () => linkNotes(params.link),
      ...(tcp && {
        baseline: {
          name: TCP_BBR,
          measure: (_own, { frames, frameBytes }) =>
            measureTransfer(tcp.lab, tcp.bed, { verb: 'download', streams: 1, bytesPerStream: frames * frameBytes }),
          compare: (own, beside) => ({ ratio: (own.MBps ?? NaN) / (beside.MBps ?? NaN) }),
        },
      }),
    };
  },
});

async function measureFrames({ pair }: SessionBed, params: LossParams): Promise<Measurement> {
  const { traffic, frames, link, rateMbps, lossPercent } = params;
  await pair.join();
  try {
    const meter = await pair.meter();
    const measured = await pair.frames({ ...TRAFFIC[traffic], count: frames });
    const figures = { ...figuresOf(measured, params), ...(await meter(frames * params.frameBytes)) };
    if (traffic === 'bulk' && link === 'in-process')
      figures.ratio = (figures.MBps ?? NaN) / ((rateMbps / 8) * (1 - lossPercent / 100));
    return { figures, problems: measured.problems };
  } finally {
    await pair.leave();
  }
}

function figuresOf(measured: FramesMeasured, { traffic, frameBytes }: LossParams): BenchFigures {
  const { sent, taken } = measured;
  const arrivals = Object.values(taken.arrivedMs);
  const seconds = (Math.max(...arrivals) - sent.startMs) / 1e3;
  const times = frameTimes(measured);
  const inTime = times.filter((ms) => ms <= TRAFFIC[traffic].deadlineMs);
  return {
    seconds,
    MBps: (arrivals.length * frameBytes) / 1e6 / seconds,
    inTimePercent: (100 * inTime.length) / times.length,
    ...(traffic === 'frames' && distribution('latencyMs', times.filter(Number.isFinite))),
  };
}

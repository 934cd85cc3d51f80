/** Process: one end of a UDP session through which frames go as fast as both can; the host sends them. */
import { once } from 'node:events';
import { UdpSession, type UdpHost, type UdpSessionStats } from '@millrace/udp-session';
import { TimelineRecorder, type Timeline } from '../check/timeline.js';
import { nowMs } from '../process/clock.js';
import { pinTo } from '../process/pin.js';
import { serve } from '../process/worker.js';
import { CostMeter, type Cost } from '../udp/cost-meter.js';
import { FrameChecker, FrameContent, type FrameCounts } from '../udp/frame-content.js';

/** What both ends are told. */
export interface PipelineOptions {
  packetBytes: number;
  /** Parity as a share of the data. */
  parity: number;
  /** Whether the native addon may be used. */
  native: boolean;
  /** The core for this end, counted from 0. */
  core: number;
}

/** A run, at either end. */
export interface PipelineRun {
  /** Number of the first frame. */
  first: number;
  frames: number;
  frameBytes: number;
  /** Frames that the sender may be ahead of what the receiver says it has. */
  window: number;
}

/** What an end used in a run, and what its session counted in it. */
export interface EndReport extends Cost {
  framesSubmitted: number;
  framesCompleted: number;
  packetsSent: number;
  packetsReceived: number;
  packetsLost: number;
  /** Since the session began: what was under way at the begin of a run belongs to neither. */
  allPacketsSent: number;
  allPacketsReceived: number;
  tier: string;
  checkMs: number;
}

/** Long enough that no frame is ever given up. */
const DEADLINE_MS = 30_000;
/** When nothing arrived for so long, a run is given up. */
const PATIENCE_MS = 5000;
/** Known to both ends and nobody else; what it is makes no difference. */
const sharedKey = new Uint8Array(32).fill(7);

type Counted = 'framesSubmitted' | 'framesCompleted' | 'packetsSent' | 'packetsReceived' | 'packetsLost';

const meter = new CostMeter();
let host: UdpHost | undefined;
let session: UdpSession | undefined;
let pinned = false;
let before: UdpSessionStats | undefined;
let content = new FrameContent(1);
let checker = new FrameChecker(content, 0, 0);
let arrived = new TimelineRecorder('arrived');
/** The receiver says how far it is after so many frames. */
let ackEvery = 1;
/** Tells `send` how many frames of its run have arrived. */
let onAck: (count: number) => void = () => undefined;

function common({ packetBytes, parity, native, core }: PipelineOptions) {
  if (!native) process.env['MILLRACE_NATIVE'] = '0';
  pinned = pinTo(core);
  const bounds = { parityFloor: parity, parityCeiling: parity, maxPacketBytes: packetBytes };
  return { sharedKey, session: { ...bounds, paced: false } };
}

function opened(): UdpSession {
  if (!session) throw new Error('there is no session');
  return session;
}

const verbs = {
  /** Waits for the receiver; gives the port. */
  listen: async (options: PipelineOptions): Promise<{ address: string; port: number; pinned: boolean }> => {
    host = await UdpSession.listen({ address: '127.0.0.1', ...common(options) });
    host.on('session', (made) => {
      session = made;
      made.on('event', (data) => onAck(Buffer.from(data).readUInt32BE()));
    });
    return { ...host.local, pinned };
  },
  /** Calls the sender, and takes what it sends. */
  connect: async (
    options: PipelineOptions & { to: { address: string; port: number } },
  ): Promise<{ pinned: boolean }> => {
    const made = await UdpSession.connect({ ...options.to, ...common(options) });
    const ack = Buffer.alloc(4);
    made.on('frame', (frame) => {
      checker.take(frame.pts, frame.data, frame.recovered);
      frame.release();
      if (checker.right % ackEvery !== 0 && !checker.complete) return;
      arrived.add(nowMs(), checker.right * content.bytes);
      ack.writeUInt32BE(checker.right);
      made.sendEvent(ack);
    });
    session = made;
    return { pinned };
  },
  /** Begins a run of frames `first` up to `first + frames`, at either end. */
  begin: async (run: PipelineRun): Promise<void> => {
    if (host && !session) await once(host, 'session');
    if (content.bytes !== run.frameBytes) content = new FrameContent(run.frameBytes);
    checker = new FrameChecker(content, run.first, run.frames);
    // Twice in a window.
    ackEvery = Math.max(1, Math.floor(run.window / 2));
    arrived = new TimelineRecorder('arrived');
    before = opened().stats();
    meter.start();
  },
  /** Sends the frames of a run; gives the time until the last one had arrived, and when that began. */
  send: async ({ first, frames, window }: PipelineRun): Promise<{ startMs: number; seconds: number }> => {
    const to = opened();
    const options = { deadlineMs: DEADLINE_MS, flags: 0, pts: first };
    const startMs = nowMs();
    let sent = 0;
    let there = 0;
    const fill = (): void => {
      for (; sent < frames && sent - there < window; sent++) {
        options.pts = first + sent;
        to.sendFrame(content.of(first + sent), options);
      }
    };
    await new Promise<void>((resolve, reject) => {
      let seen = 0;
      const watch = setInterval(() => {
        if (there > seen) seen = there;
        else end(() => reject(new Error(`${there} of ${frames} frames arrived, then none for ${PATIENCE_MS} ms`)));
      }, PATIENCE_MS);
      const end = (settle: () => void): void => {
        clearInterval(watch);
        onAck = () => undefined;
        settle();
      };
      onAck = (count) => {
        there = count;
        if (there === frames) end(resolve);
        else fill();
      };
      fill();
    });
    return { startMs, seconds: (nowMs() - startMs) / 1e3 };
  },
  /** What this end used since `begin`. */
  finish: (): EndReport => {
    const used = meter.finish();
    const after = opened().stats();
    const since = (name: Counted): number => after[name] - (before?.[name] ?? 0);
    return {
      ...used,
      framesSubmitted: since('framesSubmitted'),
      framesCompleted: since('framesCompleted'),
      packetsSent: since('packetsSent'),
      packetsReceived: since('packetsReceived'),
      packetsLost: since('packetsLost'),
      allPacketsSent: after.packetsSent,
      allPacketsReceived: after.packetsReceived,
      tier: after.tier,
      checkMs: checker.checkMs,
    };
  },
  /** What became of the frames of the run. */
  frames: (): FrameCounts & { timeline: Timeline } => ({ ...checker.counts, timeline: arrived.timeline }),
  close: async (): Promise<void> => {
    await session?.close();
    await host?.close();
  },
};
export type PipelineVerbs = typeof verbs;

serve(verbs);

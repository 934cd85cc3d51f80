import type { BenchFigures } from '@millrace/protocol';
import { measured, type BedContext } from '../bed/types.js';
import { throughputOverTime, type Timeline } from '../check/timeline.js';
import { startMeter } from '../run/meter.js';
import type { Measurement } from '../scenarios/scenario.js';
import type { EndReport, PipelineVerbs } from '../workers/session-pipeline.js';
import { packetsThatFit } from './kernel-buffer.js';
import type { FrameCounts } from './frame-content.js';

const DATA_SHARDS = 20;
const PARITY_SHARDS = 5;
/** What of a packet is no shard: header, tag, time and the item's fields (docs/UDP.md). */
const OVERHEAD_BYTES = 21 + 4 + 17;
/** What stands before a frame's bytes in its first shard. */
const FRAME_HEAD_BYTES = 9;
/** Frames under way at most, unless the kernel's buffer holds fewer. */
const WINDOW_FRAMES = 32;
/** Frames before those that are measured, as a share of them. */
const WARM_UP_SHARE = 0.25;

/** Both ends of a session, each a process with a core of its own. */
export interface PipelinePair {
  /** Sends frames after a warm-up, each compared where it arrives. */
  measure(frames: number): Promise<Measurement>;
  /** What the session sends with. */
  readonly tier: string | undefined;
  /** Whether each end has its core. */
  readonly pinned: boolean;
  close(): Promise<void>;
}

/** Starts both ends; `role` stands before their names in the report. */
export async function openPipelinePair(
  context: BedContext,
  role: string,
  { native, packetBytes }: { native: boolean; packetBytes: number },
): Promise<PipelinePair> {
  const frameBytes = DATA_SHARDS * (packetBytes - OVERHEAD_BYTES) - FRAME_HEAD_BYTES;
  const start = (end: string) => context.startSubject<PipelineVerbs>('session-pipeline', `${role} ${end}`);
  const [sender, receiver] = await Promise.all([start('sender'), start('receiver')]);
  const fitting = Math.floor(packetsThatFit() / (DATA_SHARDS + PARITY_SHARDS));
  const window = Math.max(1, Math.min(WINDOW_FRAMES, fitting));
  const options = { packetBytes, parity: PARITY_SHARDS / DATA_SHARDS, native };
  const host = await sender.call('listen', { ...options, core: 0 });
  const to = { address: host.address, port: host.port };
  const client = await receiver.call('connect', { ...options, core: 1, to });
  let tier: string | undefined;
  let next = 0;

  const run = async (frames: number): Promise<Measurement> => {
    const plan = { first: next, frames, frameBytes, window };
    next += frames;
    await Promise.all([receiver.call('begin', plan), sender.call('begin', plan)]);
    const meter = await startMeter({ measured: [measured(sender), measured(receiver)] });
    const sent = await sender
      .call('send', plan)
      .catch(({ message }: Error) => ({ startMs: NaN, seconds: NaN, problem: message }));
    // In this order: whatever the receiver counts, the sender has counted before.
    const at = await receiver.call('finish', null);
    const ends = { at, from: await sender.call('finish', null) };
    const cost = await meter(frames * frameBytes);
    const got = await receiver.call('frames', null);
    tier = ends.from.tier;
    const figures = {
      ...figuresOf(frames * frameBytes, sent.seconds, ends),
      ...(sent.seconds > 0 && timelineOf(got.timeline, sent.startMs, sent.seconds)),
      ...checkerApart(cost, ends.at.checkMs / 1e3, (frames * frameBytes) / 1e9),
    };
    return { figures, problems: [...('problem' in sent ? [sent.problem] : []), ...problemsOf(frames, got, ends)] };
  };

  return {
    measure: async (frames) => {
      const warmUp = await run(Math.ceil(frames * WARM_UP_SHARE));
      return warmUp.problems.length > 0 ? warmUp : run(frames);
    },
    get tier() {
      return tier;
    },
    pinned: host.pinned && client.pinned,
    close: async () => {
      await Promise.allSettled([receiver.call('close', null), sender.call('close', null)]);
      await Promise.allSettled([receiver.stop(), sender.stop()]);
    },
  };
}

interface Ends {
  from: EndReport;
  at: EndReport;
}

/** Holds what both ends counted against each other. */
export function problemsOf(frames: number, { right, problem }: FrameCounts, { from, at }: Ends): string[] {
  const problems = problem === undefined ? [] : [problem];
  if (right !== frames) problems.push(`${frames} frames were sent, ${right} arrived right`);
  if (from.framesSubmitted !== frames) problems.push(`the sender counts ${from.framesSubmitted} frames, not ${frames}`);
  if (at.framesCompleted !== frames) problems.push(`the receiver counts ${at.framesCompleted} frames, not ${frames}`);
  if (at.allPacketsReceived > from.allPacketsSent)
    problems.push(`${from.allPacketsSent} packets were sent, ${at.allPacketsReceived} were received`);
  return problems;
}

function figuresOf(bytes: number, seconds: number, { from, at }: Ends): BenchFigures {
  return {
    seconds,
    MBps: bytes / 1e6 / seconds,
    packetsPerSecond: from.packetsSent / seconds,
    packetsLostPercent: (at.packetsLost / from.packetsSent) * 100,
    sendCpuNsPerPacket: from.cpuNs / from.packetsSent,
    receiveCpuNsPerPacket: (at.cpuNs - at.checkMs * 1e6) / at.packetsReceived,
    sendHeapBytesPerPacket: from.heapBytes / from.packetsSent,
    receiveHeapBytesPerPacket: at.heapBytes / at.packetsReceived,
  };
}

function timelineOf(timeline: Timeline, startMs: number, seconds: number): BenchFigures {
  const { MBps, binMs } = throughputOverTime([timeline], startMs, startMs + seconds * 1e3);
  return { timelineMBps: MBps, timelineBinMs: binMs };
}

/** What comparing cost is told apart from what the receiver did. */
function checkerApart(cost: BenchFigures, checkSeconds: number, gigabytes: number): BenchFigures {
  const perGB = checkSeconds / gigabytes;
  const processes = structuredClone(cost.processes ?? []);
  for (const process of processes.filter(({ role }) => role.endsWith('receiver'))) {
    process.cpuSeconds -= checkSeconds;
    process.cpuSecondsPerGB = process.cpuSeconds / gigabytes;
  }
  return {
    ...cost,
    cpuSecondsPerGB: (cost.cpuSecondsPerGB ?? NaN) - perGB,
    checkerCpuSecondsPerGB: perGB,
    processes: [...processes, { role: 'checker', cpuSeconds: checkSeconds, cpuSecondsPerGB: perGB }],
  };
}

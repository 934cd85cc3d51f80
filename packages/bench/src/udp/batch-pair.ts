import type { BenchFigures } from '@millrace/protocol';
import type { BedContext } from '../bed/types.js';
import type { Measurement } from '../scenarios/scenario.js';
import { packetsThatFit } from './kernel-buffer.js';
import type { BatchVerbs, BurstReport, Way } from '../workers/session-batch.js';

/** Packets of a burst, unless the kernel's buffer holds fewer. */
const MOST_PACKETS = 1024;
/** Bursts before those that are measured. */
const WARM_UPS = 2;

/** A sender and a receiver, each a process with a core of its own, of which one is measured. */
export interface BatchPair {
  /** Bursts by one way; the end that is not measured takes the best one there is. */
  measure(way: Way, bursts: number): Promise<Measurement>;
  /** Whether the addon is there. */
  readonly native: boolean;
  readonly pinned: boolean;
  close(): Promise<void>;
}

/** Starts both. */
export async function openBatchPair(
  context: BedContext,
  direction: 'send' | 'receive',
  packetBytes: number,
): Promise<BatchPair> {
  const packets = Math.min(MOST_PACKETS, packetsThatFit());
  const start = (role: string) => context.startSubject<BatchVerbs>('session-batch', role);
  const [sender, receiver] = await Promise.all([start('sender'), start('receiver')]);
  const pinned = [await sender.call('pin', 0), await receiver.call('pin', 1)];
  const sources = new Set<Way>();
  const sinks = new Map<Way, Awaited<ReturnType<typeof sinkOf>>>();

  const sinkOf = (way: Way) => receiver.call('open', { way, packetBytes, burst: packets });
  const openBoth = async (from: Way, at: Way) => {
    if (!sources.has(from)) await sender.call('open', { way: from, packetBytes, burst: packets });
    sources.add(from);
    const to = sinks.get(at) ?? (await sinkOf(at));
    sinks.set(at, to);
    return to;
  };

  const { native } = await openBoth('gso', 'gso');
  return {
    measure: async (way, bursts) => {
      const [from, at]: [Way, Way] = direction === 'send' ? [way, 'gso'] : ['gso', way];
      const to = await openBoth(from, at);
      const problems: string[] = [];
      const total = { cpuNs: 0, calls: 0, checkMs: 0 };
      for (let i = -WARM_UPS; i < bursts; i++) {
        await receiver.call('prepare', at);
        const sent = await sender.call('send', { way: from, to });
        const got = await receiver.call('receive', at);
        problems.push(...problemsOf(packets, sent.right, got.right));
        if (i < 0) continue;
        const own = direction === 'send' ? sent : got;
        total.cpuNs += own.cpuNs;
        total.calls += own.calls;
        total.checkMs += own.checkMs;
      }
      return { figures: figuresOf(bursts * packets, packetBytes, total), problems };
    },
    native,
    pinned: !pinned.includes(false),
    close: async () => {
      await Promise.allSettled([receiver.stop(), sender.stop()]);
    },
  };
}

function figuresOf(packets: number, packetBytes: number, total: Omit<BurstReport, 'right'>): BenchFigures {
  const gigabytes = (packets * packetBytes) / 1e9;
  return {
    cpuNsPerPacket: total.cpuNs / packets,
    callsPer1000Packets: (total.calls * 1e3) / packets,
    cpuSecondsPerGB: total.cpuNs / 1e9 / gigabytes,
    checkerCpuSecondsPerGB: total.checkMs / 1e3 / gigabytes,
  };
}

/** What the ends of a burst say that cannot be. */
export function problemsOf(burst: number, sent: number, right: number): string[] {
  if (sent !== burst) return [`the system took ${sent} of ${burst} packets`];
  return right === burst ? [] : [`${burst} packets were sent, ${right} arrived right`];
}

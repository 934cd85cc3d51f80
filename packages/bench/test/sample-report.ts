import type { BenchFigures, BenchReport, BenchResult } from '@millrace/protocol';
import { summarize } from '../src/run/summary.js';

/** Figures of five runs around a speed, with everything that charts are drawn of. */
function runsAround(MBps: number, roles: string[]): BenchFigures[] {
  return [0.94, 1.03, 1, 0.98, 1.05].map((factor, run) => ({
    seconds: 67 / (MBps * factor),
    MBps: MBps * factor,
    firstByteMsP50: 12 / factor,
    firstByteMsP99: 31 / factor,
    longestSilenceMs: 22 * factor,
    cpuSecondsPerGB: 20 / factor,
    requests: 40 + run,
    overheadPercent: 34.1,
    timelineMBps: Array.from(
      { length: 60 },
      (_, bin) => MBps * factor * (1 + 0.2 * Math.sin(bin / 4 + run)) * Math.min(1, (bin + 1) / 5),
    ),
    timelineBinMs: 25,
    samplesMs: Array.from({ length: 200 }, (_, i) => 4 + (i / 20) ** 2 / factor),
    processes: roles.map((role, i) => ({
      role,
      cpuSeconds: 0.3 * (i + 1),
      cpuSecondsPerGB: 4 * (i + 1) * factor,
      peakMemoryMiB: 90 + 20 * i,
    })),
  }));
}

const params = { level: 1, encoding: 'text', streams: 1, bytes: 64 * 2 ** 20 };
const TUNNEL_ROLES = ['client', 'relay', 'node', 'application', 'target'];

function result(subject: string, MBps: number, roles: string[], more: Partial<BenchResult> = {}): BenchResult {
  const runs = runsAround(MBps, roles);
  return {
    scenario: 'relay-download',
    subject,
    params,
    runs,
    ...summarize(runs),
    verified: true,
    problems: [],
    ...more,
  };
}

/** Bursts of packets by the addon beside node:dgram, and a session between two processes, on a machine so many times as quick. */
function udpResults(quicker: number): BenchResult[] {
  const DGRAM_NS = 4000;
  const burst = (subject: string, ns: number, more: Partial<BenchResult> = {}): BenchResult => {
    const costs = [0.97, 1, 1.04].map((factor) => ns * factor);
    const runs = costs.map((cpuNsPerPacket) => ({ cpuNsPerPacket, costRatio: cpuNsPerPacket / DGRAM_NS }));
    const params = { direction: 'send', way: 'gso', packetBytes: 1200 };
    const figures = { runs, ...summarize(runs) };
    return { scenario: 'udp-batch', subject, params, ...figures, verified: true, problems: [], ...more };
  };
  const target = { figure: 'costRatio', atMost: 0.125, text: "at most 1/8 of node:dgram's CPU" };
  const session = result('millrace', 600 * quicker, ['native sender', 'native receiver', 'checker'], {
    scenario: 'udp-pipeline',
    params: { way: 'native', packetBytes: 1200 },
  });
  const fallback = result('fallback', 70, ['fallback sender', 'fallback receiver', 'checker'], {
    scenario: 'udp-pipeline',
    params: session.params,
  });
  return [
    burst('millrace', 160 / quicker, { target, reached: true }),
    burst('node:dgram', DGRAM_NS),
    session,
    fallback,
  ];
}

/** A report with all that the page can show: ours, base, floor, peers, a target, history. */
export function sampleReport(startedAt = '2026-02-03T04:05:06.000Z', speed = 60): BenchReport {
  const target = { figure: 'ratio', atLeast: 0.5, text: 'at least 0.5 of relay-floor in that encoding' };
  const ours = result('millrace', speed, TUNNEL_ROLES, { target, reached: false });
  ours.median.ratio = 0.41;
  return {
    format: 'millrace-bench-1',
    startedAt,
    seconds: 321,
    commit: `${startedAt.slice(5, 7)}c0ffee0123456789`,
    version: '0.0.0',
    quick: false,
    arguments: ['--peer', 'ssh'],
    machine: { cpu: 'Sample CPU <of the test>', cores: 2, memoryGiB: 24, system: 'Linux 6.1', node: 'v20.20.2' },
    ceilings: [],
    results: [
      ours,
      result('base', speed * 0.9, TUNNEL_ROLES, { notes: ['this tree does not know level'] }),
      result('relay-floor', 146, ['floor client', 'floor relay', 'floor node']),
      result('ssh', 95, ['ssh', 'application', 'target'], { peer: true }),
      ...udpResults(speed / 60),
    ],
    missing: [{ peer: 'haproxy', install: 'apt-get install -y haproxy' }],
    verified: true,
  };
}

import type { BenchFigures } from '@millrace/protocol';
import type { Bed } from '../bed/types.js';
import { reconcile, reconcileCount, type Transferred } from '../check/reconcile.js';
import type { TransferVerb } from '../check/request.js';
import { longestSilenceMs, reachedAtMs, throughputOverTime, type Timeline } from '../check/timeline.js';
import type { TransferReport, Way } from '../check/transfer.js';
import type { Measurement } from '../scenarios/scenario.js';
import type { ApplicationVerbs } from '../workers/application.js';
import type { TargetRecord } from '../workers/target.js';
import type { Child } from '../process/child.js';
import type { Lab } from './lab.js';
import { startMeter } from './meter.js';
import { jain, percentile, sample } from './statistics.js';

/** What is transferred. */
export interface TransferPlan {
  verb: Exclude<TransferVerb, 'echo'>;
  streams: number;
  bytesPerStream: number;
  /** Longest time for all of it. Default 10 minutes. */
  timeoutMs?: number;
  application?: Child<ApplicationVerbs>;
  /** Whether the first quarter is told apart from the rest, where a link takes its time to be filled. */
  settles?: boolean;
}

/** The way to the target of a lab through a bed. */
export const wayTo = (lab: Lab, bed: Bed): Way => ({ entry: bed.entry, ...lab.address });

/** Transfers on so many streams at once, with every byte compared at its end and both ends reconciled. */
export async function measureTransfer(lab: Lab, bed: Bed, plan: TransferPlan): Promise<Measurement> {
  const { verb, streams, bytesPerStream, timeoutMs = 600_000, application = lab.application } = plan;
  const first = lab.takeIds(streams);
  const requests = Array.from({ length: streams }, (_, i) => ({
    verb,
    id: first + i,
    seed: (first + i) * 2,
    bytes: bytesPerStream,
  }));
  const checkers = await startMeter({
    measured: [asMeasured(application, 'application'), asMeasured(lab.target, 'target')],
  });
  const meter = await startMeter(bed);
  const reports = await application.call('transfer', { way: wayTo(lab, bed), requests }, timeoutMs);
  const directions = verb === 'upload' || verb === 'download' ? 1 : 2;
  const payload = streams * bytesPerStream * directions;
  // The target first: bytes that the tunnel has taken but not delivered are part of the cost, and of the time.
  const records = await lab.target.call(
    'collect',
    requests.map(({ id }) => id),
  );
  const cost = await meter(payload);
  const ends = await checkers(payload);
  const problems = reports.flatMap((report, i) => problemsOf(report, records[i] ?? {}, verb));
  if (cost.wireBytes !== undefined)
    problems.push(...reconcileCount('bytes on the wire', cost.wireBytes, [payload], 'at-least'));
  if (problems.length > 0) problems.push(...((await bed.says?.()) ?? []));
  const figures = { ...figuresOf(reports, records, payload, plan.settles === true), ...cost };
  figures.processes = [...(cost.processes ?? []), ...(ends.processes ?? [])];
  return { figures, problems };
}

function asMeasured(child: Pick<Child<never>, 'usage'>, role: string): Bed['measured'][number] {
  return { role, usage: async () => ({ ...(await child.usage()), role }) };
}

function problemsOf(report: TransferReport, record: TargetRecord, verb: TransferVerb): string[] {
  const name = `stream ${report.id}`;
  const problems: string[] = [];
  if (report.problem !== undefined) problems.push(`${name}: ${report.problem}`);
  if (record.problem !== undefined) problems.push(`${name} at the target: ${record.problem}`);
  const broken = problems.length > 0;
  if (verb !== 'upload')
    problems.push(...oneWay({ name: `${name} down`, ...pair(record.source, report.sink) }, broken));
  if (verb !== 'download') {
    const up: Transferred = { name: `${name} up`, ...pair(report.source, record.sink) };
    if (verb === 'upload') {
      up.token = {
        ...(record.token !== undefined && { made: record.token }),
        ...(report.token !== undefined && { got: report.token }),
        gotMs: report.endMs,
      };
    }
    problems.push(...oneWay(up, broken));
  }
  return problems;
}

/** Where a stream broke, an end that gave no report is no news; what the other end saw still is. */
function oneWay(transferred: Transferred, broken: boolean): string[] {
  const { name, source, sink } = transferred;
  if (!broken || (source && sink)) return reconcile(transferred);
  return sink?.problem === undefined ? [] : [`${name}: ${sink.problem}`];
}

const pair = (source: Transferred['source'], sink: Transferred['sink']): Pick<Transferred, 'source' | 'sink'> => ({
  ...(source && { source }),
  ...(sink && { sink }),
});

function figuresOf(
  reports: TransferReport[],
  records: TargetRecord[],
  payload: number,
  settles: boolean,
): BenchFigures {
  const startMs = Math.min(...reports.map((report) => report.startMs));
  // The application's side of `end-first` is not confirmed to it; the target knows when the last byte came.
  const endsMs = reports.map((report, i) => Math.max(report.endMs, records[i]?.sink?.lastMs ?? 0));
  const endMs = Math.max(...endsMs);
  const sinks = [...reports, ...records].flatMap(({ sink }) => sink ?? []);
  const timelines = sinks.map(({ timeline }) => timeline);
  // What the application gets of an upload is its confirmation: its first byte is the one that the target got.
  const firstBytes = reports.flatMap((report, i) => {
    const atMs = report.sink ? report.firstByteMs : records[i]?.sink?.firstMs;
    return atMs === undefined ? [] : [atMs - report.startMs];
  });
  const { MBps: timelineMBps, binMs: timelineBinMs } = throughputOverTime(timelines, startMs, endMs);
  const checkSeconds = sinks.reduce((sum, { checkMs }) => sum + checkMs, 0) / 1e3;
  return {
    seconds: (endMs - startMs) / 1e3,
    MBps: payload / 1e3 / (endMs - startMs),
    ...distribution('firstByteMs', firstBytes),
    longestSilenceMs: longestSilenceMs(timelines),
    ...(settles && settling(timelines, payload, startMs, endMs)),
    checkerCpuSecondsPerGB: checkSeconds / (payload / 1e9),
    ...(reports.length > 1 && { jain: jain(reports.map((report, i) => 1 / ((endsMs[i] ?? endMs) - report.startMs))) }),
    timelineMBps,
    timelineBinMs,
  };
}

/** How long the first quarter took, and how quick the rest was. */
function settling(timelines: Timeline[], payload: number, startMs: number, endMs: number): BenchFigures {
  const quarterMs = reachedAtMs(timelines, payload / 4) ?? endMs;
  return {
    settleSeconds: (quarterMs - startMs) / 1e3,
    settledMBps: (payload * 3) / 4 / 1e3 / (endMs - quarterMs),
  };
}

/** p50, p90, p99 and highest of times, under the names of the report. */
export function distribution(name: 'firstByteMs' | 'latencyMs', timesMs: number[]): BenchFigures {
  if (timesMs.length === 0) return {};
  return {
    [`${name}P50`]: percentile(timesMs, 0.5),
    [`${name}P90`]: percentile(timesMs, 0.9),
    [`${name}P99`]: percentile(timesMs, 0.99),
    [`${name}Max`]: percentile(timesMs, 1),
    samplesMs: sample(timesMs),
  };
}

import type { BenchFigures, BenchReport, BenchResult } from '@millrace/protocol';
import { barChart } from './charts/bars.js';
import { lineChart, type Line } from './charts/lines.js';
import { element, escape } from './charts/markup.js';
import { stackChart } from './charts/stacks.js';
import { paramsText } from './table.js';

/** Figures that bars are drawn of, the first that a scenario has, with what stands at their axis. */
const MAIN_FIGURES = [
  ['MBps', 'MB/s'],
  ['streamsPerSecond', 'streams/s'],
  ['cpuNsPerPacket', 'ns'],
  ['operationsPerSecond', 'operations/s'],
  ['firstByteMsP50', 'ms to the first byte, p50'],
  ['latencyMsP50', 'ms, p50'],
] as const;

/** What a unit alone does not say. */
const ABOUT: Partial<Record<keyof BenchFigures, string>> = { cpuNsPerPacket: 'CPU of one packet: ' };

/** Baselines of which a target may be a share. */
const BASELINES = new Set(['relay-floor', 'plain pipe', 'node:dgram', 'node:crypto']);

/** The figure that a scenario is about. */
function mainFigure(results: BenchResult[]): (typeof MAIN_FIGURES)[number] | undefined {
  return MAIN_FIGURES.find(([name]) => results.some(({ median }) => median[name] !== undefined));
}

const card = (title: string, text: string, svg: string): string =>
  element('figure', {}, element('figcaption', {}, element('b', {}, escape(title)), escape(text)), svg);

/** All charts of one scenario with one set of parameters. */
export function variantCharts(results: BenchResult[]): string {
  const [first] = results;
  if (!first) return '';
  const params = paramsText(first.params);
  return [
    speedCard(results, params),
    ratioCard(results, params),
    timelineCard(results, params),
    distributionCard(results, params),
    cpuCard(results, params),
  ].join('');
}

/** Bars of the main figure: ours beside base, baseline and peers. */
function speedCard(results: BenchResult[], params: string): string {
  const main = mainFigure(results);
  if (!main) return '';
  const [figure, unit] = main;
  const bars = results.flatMap(({ subject, median, runs, verified }, i) => {
    const value = median[figure];
    if (value === undefined || !verified) return [];
    return [{ name: subject, value, runs: runs.flatMap((run) => run[figure] ?? []), series: i }];
  });
  const line = targetLine(results, figure);
  const about = `${ABOUT[figure] ?? ''}median as bar, each run as a dot`;
  return card(params, about, barChart(`${params}: ${unit}`, bars, unit, line));
}

/** Where the target lies among bars of a figure, when it is a share of what the baseline has. */
function targetLine(results: BenchResult[], figure: string): { value: number; text: string } | undefined {
  const target = results.find((result) => result.target)?.target;
  const share =
    target?.figure === 'ratio' ? target.atLeast : target?.figure === 'costRatio' ? target.atMost : undefined;
  const compared = target?.figure === 'ratio' ? 'MBps' : 'cpuNsPerPacket';
  const baseline = results.find(({ subject }) => BASELINES.has(subject));
  const value = baseline?.verified ? baseline.median[compared] : undefined;
  if (!baseline || share === undefined || value === undefined || figure !== compared) return undefined;
  return { value: share * value, text: `target ${share}× of ${baseline.subject}` };
}

/** Ours as a multiple of each other subject: beyond 1 ours is quicker. */
function ratioCard(results: BenchResult[], params: string): string {
  const own = results.find(({ subject }) => subject === 'millrace');
  const speed = own?.verified ? own.median.MBps : undefined;
  if (speed === undefined) return '';
  const bars = results.flatMap(({ subject, median: { MBps }, verified }, i) =>
    subject === 'millrace' || !verified || !MBps ? [] : [{ name: subject, value: speed / MBps, runs: [], series: i }],
  );
  if (bars.length < 2) return '';
  const svg = barChart(`${params}: ratio`, bars, 'times', { value: 1, text: 'as quick as ours' });
  return card('Ours beside each', 'our MB/s as a multiple of theirs', svg);
}

/** The run in the middle, by its main figure. */
function middleRun(result: BenchResult): BenchFigures | undefined {
  const [figure] = mainFigure([result]) ?? ['MBps'];
  const sorted = result.runs.toSorted((a, b) => (a[figure] ?? 0) - (b[figure] ?? 0));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function timelineCard(results: BenchResult[], params: string): string {
  const lines = results.flatMap((result, i): Line[] => {
    const { timelineMBps, timelineBinMs = 0 } = middleRun(result) ?? {};
    if (!timelineMBps || timelineBinMs <= 0) return [];
    return [
      {
        name: result.subject,
        series: i,
        points: timelineMBps.map((value, bin) => [((bin + 0.5) * timelineBinMs) / 1e3, value] as const),
      },
    ];
  });
  if (lines.length === 0) return '';
  return card(
    'Throughput over time',
    'the median run of each',
    lineChart(`${params}: throughput over time`, lines, { xUnit: 's', yUnit: 'MB/s' }),
  );
}

function distributionCard(results: BenchResult[], params: string): string {
  const lines = results.flatMap((result, i): Line[] => {
    const samples = result.runs.flatMap(({ samplesMs }) => samplesMs ?? []).toSorted((a, b) => a - b);
    if (samples.length < 10) return [];
    return [
      { name: result.subject, series: i, points: quantiles(samples).map(([ms, share]) => [ms, share * 100] as const) },
    ];
  });
  if (lines.length === 0) return '';
  const svg = lineChart(`${params}: distribution of times`, lines, {
    xUnit: 'ms',
    yUnit: '%',
    logX: true,
    yHighest: 100,
  });
  return card('Distribution of times', 'share of all samples that took at most so long', svg);
}

/** A step curve thinned to what can be seen. */
function quantiles(sorted: number[]): Array<readonly [number, number]> {
  const count = Math.min(sorted.length, 160);
  return Array.from({ length: count }, (_, i) => {
    const rank = Math.round((i * (sorted.length - 1)) / Math.max(1, count - 1));
    return [sorted[rank] ?? 0, (rank + 1) / sorted.length] as const;
  });
}

function cpuCard(results: BenchResult[], params: string): string {
  const named = results.flatMap(({ subject, peer, median: { processes = [] } }) =>
    processes.flatMap(({ role, cpuSecondsPerGB }) =>
      // The programs of all peers share a colour: their names stand beside their bars.
      cpuSecondsPerGB === undefined
        ? []
        : [{ subject, name: peer && role === subject ? 'peer' : plainRole(role), value: cpuSecondsPerGB }],
    ),
  );
  if (named.length === 0) return '';
  const names = [...new Set(named.map(({ name }) => name))];
  const stacks = [...new Set(named.map(({ subject }) => subject))].map((subject) => ({
    name: subject,
    parts: named
      .filter((part) => part.subject === subject)
      .map(({ name, value }) => ({ name, value, series: names.indexOf(name) })),
  }));
  const text =
    'per process; what compares bytes stands apart: application and target outside a tunnel, the checker of a session';
  return card('CPU seconds per GB', text, stackChart(`${params}: CPU by process`, stacks, 's/GB'));
}

/** Relays of one run and the floor's parts share the colour of their kind. */
const plainRole = (role: string): string => role.replace(/^floor /, '').replace(/ \d+$/, '');

/** The main figure of ours in earlier reports and this one. */
export function historyCards(reports: BenchReport[]): string {
  const keys = new Map<string, BenchResult>();
  for (const result of reports.at(-1)?.results ?? [])
    if (result.subject === 'millrace') keys.set(keyOf(result), result);
  return [...keys]
    .map(([key, result]) => {
      const main = mainFigure([result]);
      if (!main) return '';
      const points = reports.flatMap((report, i) => {
        const value = report.results.find((other) => other.subject === 'millrace' && keyOf(other) === key)?.median[
          main[0]
        ];
        return value === undefined ? [] : [[i, value] as const];
      });
      if (points.length < 2) return '';
      const xLabels = reports.map(
        (report, i) => [i, report.commit?.slice(0, 7) ?? report.startedAt.slice(0, 10)] as const,
      );
      const title = `${result.scenario} ${paramsText(result.params)}`;
      const svg = lineChart(`${title}: history`, [{ name: 'millrace', series: 0, points }], {
        xUnit: '',
        yUnit: main[1].split(',')[0] ?? '',
        dots: true,
        xLabels,
      });
      return card(title, 'median of each report', svg);
    })
    .join('');
}

/** What makes two results comparable. */
export const keyOf = ({ scenario, params }: BenchResult): string => `${scenario} ${JSON.stringify(params)}`;

import type { BenchFigures, BenchReport, BenchResult } from '@millrace/protocol';
import { barChart } from './charts/bars.js';
import { lineChart, type Line } from './charts/lines.js';
import { element, escape } from './charts/markup.js';
import { stackChart } from './charts/stacks.js';
import { variantKey } from '../run/result.js';
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

/** How bars of a figure are drawn. */
const AS_BARS = 'median as bar, each run as a dot';

const card = (title: string, text: string, svg: string): string =>
  element('figure', {}, element('figcaption', {}, element('b', {}, escape(title)), escape(text)), svg);

/** All charts of one scenario: what is to be reached, and each set of parameters by itself, or all in one where there is nothing beside ours. */
export function scenarioCharts(results: BenchResult[]): string {
  const variants = new Map<string, BenchResult[]>();
  for (const result of results) variants.set(variantKey(result), [...(variants.get(variantKey(result)) ?? []), result]);
  const lists = [...variants.values()];
  const alone = lists.length > 2 && lists.every((list) => list.length === 1);
  return [...targetCards(results), ...(alone ? [tableCards(results)] : lists.map(variantCharts))].join('');
}

/** For each figure that has a bound: ours with every set of parameters, each with its bound as a mark. */
function targetCards(results: BenchResult[]): string[] {
  const bounds = results.flatMap((result) => {
    const { target, verified } = result;
    if (!target || !verified) return [];
    return [target, ...(target.also ?? [])].map((bound) => ({ result, bound, figure: bound.figure as 'MBps' }));
  });
  const names = namesApart(results);
  return [...new Set(bounds.map(({ figure }) => figure))].flatMap((figure) => {
    const bars = bounds.flatMap(({ result, bound, figure: own }) => {
      const value = result.median[figure];
      if (own !== figure || value === undefined) return [];
      const runs = result.runs.flatMap((run) => run[figure] ?? []);
      const marks = [bound.atLeast, bound.atMost].filter((mark) => mark !== undefined && mark >= 0);
      return [{ name: names(result), value, runs, series: 0, bounds: marks.filter((mark) => mark !== undefined) }];
    });
    const first = bounds.find((one) => one.figure === figure);
    if (bars.length === 0 || !first) return [];
    const rule =
      first.bound.atLeast === undefined ? 'at most' : first.bound.atMost === undefined ? 'at least' : 'between';
    const text = `${figure}: ${AS_BARS}; ${rule} the mark is to be reached`;
    return [card('To reach', text, barChart(`${first.result.scenario}: ${figure}`, bars))];
  });
}

/** One chart of every set of parameters, where ours stands alone. */
function tableCards(results: BenchResult[]): string {
  const main = mainFigure(results);
  if (!main) return '';
  const [figure, unit] = main;
  const names = namesApart(results);
  const bars = results.flatMap((result) => {
    const value = result.median[figure];
    if (value === undefined || !result.verified) return [];
    return [{ name: names(result), value, runs: result.runs.flatMap((run) => run[figure] ?? []), series: 0 }];
  });
  const named = results.map((result) => ({ ...result, subject: names(result) }));
  const title = results[0]?.scenario ?? '';
  return [
    card(title, `${ABOUT[figure] ?? ''}${unit}: ${AS_BARS}`, barChart(`${title}: ${unit}`, bars)),
    cpuCard(named, title),
  ].join('');
}

/** Names of results by those parameters alone in which they differ. */
function namesApart(results: BenchResult[]): (result: BenchResult) => string {
  const names = [...new Set(results.flatMap(({ params }) => Object.keys(params)))];
  const differ = new Set(names.filter((name) => new Set(results.map(({ params }) => params[name])).size > 1));
  return ({ params, scenario }) =>
    paramsText(Object.fromEntries(Object.entries(params).filter(([name]) => differ.has(name)))) || scenario;
}

/** All charts of one scenario with one set of parameters. */
function variantCharts(results: BenchResult[]): string {
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
  const about = `${ABOUT[figure] ?? ''}${unit}: ${AS_BARS}`;
  return card(params, about, barChart(`${params}: ${unit}`, bars, line));
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
  const svg = barChart(`${params}: ratio`, bars, { value: 1, text: 'as quick as ours' });
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
    'per process, s/GB; application and target, or the checker of a session, compare bytes and are not the tunnel';
  return card('CPU seconds per GB', text, stackChart(`${params}: CPU by process`, stacks, 's/GB'));
}

/** Relays of one run and the floor's parts share the colour of their kind. */
const plainRole = (role: string): string => role.replace(/^floor /, '').replace(/ \d+$/, '');

/** The main figure of ours in earlier reports and this one. */
export function historyCards(reports: BenchReport[]): string {
  const keys = new Map<string, BenchResult>();
  for (const result of reports.at(-1)?.results ?? [])
    if (result.subject === 'millrace') keys.set(variantKey(result), result);
  return [...keys]
    .map(([key, result]) => {
      const main = mainFigure([result]);
      if (!main) return '';
      const told = new Set<string>();
      const having = reports.flatMap((report) => {
        const same = report.results.find((other) => other.subject === 'millrace' && variantKey(other) === key);
        const value = same?.verified ? same.median[main[0]] : undefined;
        // What is drawn may be one of the earlier reports itself, or made of several.
        const text = JSON.stringify(same?.runs);
        if (value === undefined || told.has(text)) return [];
        told.add(text);
        return [{ report, value }];
      });
      if (having.length < 2) return '';
      const points = having.map(({ value }, i) => [i, value] as const);
      const xLabels = having.map(
        ({ report }, i) => [i, report.commit?.slice(0, 7) ?? report.startedAt.slice(0, 10)] as const,
      );
      const title = `${result.scenario} ${paramsText(result.params)}`;
      const svg = lineChart(`${title}: history`, [{ name: 'millrace', series: 0, points }], {
        xUnit: '',
        yUnit: main[1],
        dots: true,
        xLabels,
      });
      return card(title, 'median of each report', svg);
    })
    .join('');
}

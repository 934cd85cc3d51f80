import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../errors.js';
import type { BenchBound, BenchReport, BenchResult, BenchTarget } from '@millrace/protocol';
import { repositoryFolder } from '../process/bundle.js';
import { scenarios } from '../scenarios/index.js';
import { readReports, reportText, writeWhole } from './files.js';
import { newestResults } from './newest.js';
import { paramsText, short, tableOf, verdict } from './table.js';

/** Where the reports are kept that docs/BENCHMARKS.md is made of. */
export const reportsFolder = join(repositoryFolder, 'docs/benchmarks');
/** The page itself. */
export const pageFile = join(repositoryFolder, 'docs/BENCHMARKS.md');

/**
 * Keeps the report and writes the page from all that are kept. The same report again, grown by what was measured since,
 * takes its own place. @throws BenchError `REPORT` for a quick report or wrong bytes.
 */
export async function writeDocs(report: BenchReport): Promise<void> {
  if (report.quick) throw new BenchError('REPORT', 'a quick run has no figures to publish');
  if (!report.verified) throw new BenchError('REPORT', 'bytes were wrong: there is nothing to publish');
  await mkdir(reportsFolder, { recursive: true });
  const name = `${report.startedAt.slice(0, 19).replaceAll(':', '').replace('T', '-')}.json`;
  await writeWhole(join(reportsFolder, name), reportText(report));
  await writeWhole(pageFile, await docsPage());
}

/** The reports that are kept, oldest first. */
export const keptReports = async (): Promise<BenchReport[]> =>
  existsSync(reportsFolder) ? readReports([reportsFolder]) : [];

/** The page, made from the kept reports alone. */
export async function docsPage(): Promise<string> {
  return pageOf(await keptReports());
}

/**
 * The page for these reports, oldest first: of each scenario the newest report that has it, and what earlier ones found in a
 * line each. What is shown is read back from their text, as the check does.
 */
export function pageOf(reports: BenchReport[]): string {
  const read = reports.map((report) => JSON.parse(reportText(report)) as BenchReport);
  const shown = newestResults(read);
  const list = scenarios.map(({ name, about }) => `| \`${name}\` | ${about} |`);
  return [
    '# Benchmarks',
    '',
    '<!-- Written by `npm run bench -- --write-docs` from docs/benchmarks/*.json; scripts/check-benchmarks.mjs holds them together. -->',
    '',
    'Every byte of every figure was compared with a seeded pattern at its place, at both ends, by processes outside the',
    'tunnel; a run with a wrong byte has no figure. [packages/bench](../packages/bench/README.md) says how.',
    '',
    '| scenario | what it measures |',
    '| --- | --- |',
    ...list,
    '',
    ...(read.length === 0
      ? ['No report is kept yet.', '']
      : [...targetsSection(shown), ...shown.flatMap(reportSection)]),
    ...earlierSection(read, shown),
  ].join('\n');
}

/** Every target beside what was found, in the order of the scenarios. */
function targetsSection(reports: BenchReport[]): string[] {
  const results = reports.flatMap((report) => report.results);
  const rows = scenarios.flatMap(({ name }) =>
    results.filter(({ scenario, target }) => scenario === name && target !== undefined).map(targetRow),
  );
  if (rows.length === 0) return [];
  const head = [
    ['scenario', 'found', 'to reach', 'result'],
    ['---', '---', '---', '---'],
  ];
  return ['## Targets', '', ...[...head, ...rows].map(line), ''];
}

function targetRow(result: BenchResult): string[] {
  const { scenario, params, median, target, runs, verified } = result;
  const found = boundsOf(target).map(({ figure }) => `${figure} ${short(median[figure as 'MBps']) || 'none'}`);
  const count = `${runs.length} run${runs.length === 1 ? '' : 's'}`;
  return [
    `${scenario} ${paramsText(params)}`,
    `${verified ? found.join(', ') : 'no figure'} (${count})`,
    boundsOf(target).map(boundText).join(', '),
    verdict(result),
  ];
}

const boundsOf = (target: BenchTarget | undefined): BenchBound[] => (target ? [target, ...(target.also ?? [])] : []);

function boundText({ figure, atLeast, atMost }: BenchBound): string {
  const bounds = [
    ...(atLeast === undefined ? [] : [`at least ${short(atLeast) || '0'}`]),
    ...(atMost === undefined ? [] : [`at most ${short(atMost) || '0'}`]),
  ];
  return `${figure} ${bounds.join(' and ')}`;
}

/** What ours was in reports that are kept but not shown: one line for each set of parameters and report. */
function earlierSection(reports: BenchReport[], shown: BenchReport[]): string[] {
  const newest = new Set(
    shown.flatMap(({ startedAt, results }) => results.map(({ scenario }) => `${startedAt} ${scenario}`)),
  );
  const rows = reports.toReversed().flatMap(({ startedAt, commit, results }) =>
    results.flatMap((result) => {
      if (!result.target || newest.has(`${startedAt} ${result.scenario}`)) return [];
      return [[startedAt.slice(0, 10), commit?.slice(0, 8) ?? '', ...targetRow(result)]];
    }),
  );
  if (rows.length === 0) return [];
  const head = [
    ['date', 'commit', 'scenario', 'found', 'to reach', 'result'],
    ['---', '---', '---', '---', '---', '---'],
  ];
  return [
    '## Earlier',
    '',
    '<details><summary>what earlier reports found</summary>',
    '',
    ...[...head, ...rows].map(line),
    '',
    '</details>',
    '',
  ];
}

function reportSection(report: BenchReport): string[] {
  const { machine, startedAt, commit, version, results, ceilings, missing } = report;
  const names = [...new Set(results.map(({ scenario }) => scenario))];
  return [
    `## ${startedAt.slice(0, 10)}, version ${version}`,
    '',
    `- commit: \`${commit ?? 'none'}\`${report.against === undefined ? '' : `, against \`${report.against}\``}`,
    `- command: \`npm run bench${report.arguments.length > 0 ? ` -- ${report.arguments.join(' ')}` : ''}\``,
    `- machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`,
    ...ceilings.map(
      ({ link, rttMs, rateMbps, lossPercent, MBps }) =>
        `- ${link}: ${rttMs} ms, ${rateMbps} Mbit/s, ${lossPercent} % lost; by itself it carries ${short(MBps)} MB/s`,
    ),
    ...missing.map(({ peer, install }) => `- ${peer} was not installed (\`${install}\`)`),
    '',
    ...names.flatMap((name) =>
      scenarioSection(
        name,
        results.filter(({ scenario }) => scenario === name),
      ),
    ),
  ];
}

function scenarioSection(name: string, results: BenchResult[]): string[] {
  const target = results.find((result) => result.target)?.target;
  const [head = [], ...rows] = tableOf(results);
  const rule = head.map((_, i) => (i < 2 ? '---' : '---:'));
  const toReach = target ? [`To reach: ${target.text}.`, ''] : [];
  return [
    `### ${name}`,
    '',
    ...toReach,
    ...[head, rule, ...rows].map(line),
    '',
    ...costs(results),
    ...notesOf(results),
  ];
}

/** What each process cost: beside every figure. */
function costs(results: BenchResult[]): string[] {
  const rows = results.flatMap((result) => {
    const { processes = [] } = result.median;
    if (!result.verified || processes.length === 0) return [];
    const cells = processes.map(({ role, cpuSecondsPerGB, cpuSeconds, peakMemoryMiB, garbageCollections }) => {
      const cpu = cpuSecondsPerGB === undefined ? `${short(cpuSeconds)} s` : short(cpuSecondsPerGB);
      const known = [cpu, short(peakMemoryMiB), short(garbageCollections)].filter((text) => text !== '');
      return `${role} ${known.join(' / ')}`;
    });
    return [[paramsText(result.params), result.subject, cells.join(', ')]];
  });
  if (rows.length === 0) return [];
  const head = [
    ['parameters', 'subject', 'CPU s/GB (or s) / peak MiB / collections of each process'],
    ['---', '---', '---'],
  ];
  return [
    '<details><summary>CPU, memory and collections of each process</summary>',
    '',
    ...[...head, ...rows].map(line),
    '',
    '</details>',
    '',
  ];
}

/** What is to be known beside the figures. Notes that are the same stand once. */
function notesOf(results: BenchResult[]): string[] {
  const notes = new Set(
    results.flatMap(({ subject, notes: list = [] }) => list.map((note) => `- ${subject}: ${note}`)),
  );
  const peers = results.filter(({ peer, verified }) => peer && !verified);
  for (const { subject, problems } of peers) notes.add(`- ${subject}: ${problems[0] ?? 'no run'}`);
  return notes.size > 0 ? [...notes, ''] : [];
}

const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;

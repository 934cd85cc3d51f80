import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../errors.js';
import type { BenchReport, BenchResult } from '@millrace/protocol';
import { repositoryFolder } from '../process/bundle.js';
import { scenarios } from '../scenarios/index.js';
import { readReports, reportText, writeJson } from './files.js';
import { paramsText, short, tableOf } from './table.js';

/** Where the reports are kept that docs/BENCHMARKS.md is made of. */
export const reportsFolder = join(repositoryFolder, 'docs/benchmarks');
/** The page itself. */
export const pageFile = join(repositoryFolder, 'docs/BENCHMARKS.md');

/** Keeps the report and writes the page from all that are kept. @throws BenchError `REPORT` for a quick report or wrong bytes. */
export async function writeDocs(report: BenchReport): Promise<void> {
  if (report.quick) throw new BenchError('REPORT', 'a quick run has no figures to publish');
  if (!report.verified) throw new BenchError('REPORT', 'bytes were wrong: there is nothing to publish');
  await mkdir(reportsFolder, { recursive: true });
  const name = `${report.startedAt.slice(0, 19).replaceAll(':', '').replace('T', '-')}.json`;
  await writeJson(join(reportsFolder, name), report);
  await writeFile(pageFile, await docsPage());
}

/** The page, made from the kept reports alone. */
export async function docsPage(): Promise<string> {
  return pageOf(existsSync(reportsFolder) ? await readReports([reportsFolder]) : []);
}

/** The page for these reports, the newest first. What is shown is read back from their text, as the check does. */
export function pageOf(reports: BenchReport[]): string {
  const read = reports.map((report) => JSON.parse(reportText(report)) as BenchReport);
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
    ...(read.length === 0 ? ['No report is kept yet.', ''] : read.toReversed().flatMap(reportSection)),
  ].join('\n');
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

import { expect, test } from 'vitest';
import type { BenchReport } from '@millrace/protocol';
import { inconsistencies } from '../src/report/consistent.js';
import { reportText } from '../src/report/files.js';
import { sampleReport } from './sample-report.js';
import { summarize } from '../src/run/summary.js';

/** A report as a run writes it, read back from its file. */
function written(): BenchReport {
  const report = sampleReport();
  const [ours] = report.results;
  ours!.runs.forEach((run) => {
    run.ratio = 0.41;
  });
  for (const result of report.results) Object.assign(result, summarize(result.runs));
  return JSON.parse(reportText(report)) as BenchReport;
}

test('a report that was measured follows from its runs', () => {
  expect(inconsistencies(written())).toEqual([]);
});

test.each([
  [
    'a median',
    (report: BenchReport) => (report.results[0]!.median.MBps = 99),
    /millrace: median MBps is 99, its runs say 60/,
  ],
  ['a spread', (report: BenchReport) => (report.results[1]!.spread.MBps = 0.1), /base: spread MBps is 0.1/],
  [
    'what a process cost',
    (report: BenchReport) => (report.results[0]!.median.processes![0]!.peakMemoryMiB = 1),
    /median client peakMemoryMiB is 1/,
  ],
  [
    'a target that was reached',
    (report: BenchReport) => (report.results[0]!.reached = true),
    /reached is not what its median says/,
  ],
  ['a run', (report: BenchReport) => report.results[0]!.runs.splice(0, 2), /spread MBps is 2.5, its runs say 3.5/],
  [
    'wrong bytes',
    (report: BenchReport) => report.results[0]!.problems.push('a wrong byte'),
    /verified is not what its problems say/,
  ],
  ['a verdict', (report: BenchReport) => (report.verified = false), /verified is not what its results say/],
])('%s that was changed by hand is found', (_name, change, message) => {
  const report = written();
  change(report);
  expect(inconsistencies(report).join('\n')).toMatch(message);
});

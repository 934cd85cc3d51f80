import type { BenchFigures, BenchReport, BenchResult } from '@millrace/protocol';
import { reaches, summarize } from '../run/summary.js';
import { paramsText } from './table.js';

/** Figures have five digits in a file, and so have the runs that they follow from. */
const ROUNDING = 1e-3;
/** Where the quartiles lie close together, what rounding took away is a large part of their distance, in per cent. */
const SPREAD_ROUNDING = 0.05;

/** What in a report does not follow from its single runs: a figure that somebody wrote, or a verdict that somebody changed. */
export function inconsistencies(report: BenchReport): string[] {
  const problems = report.results.flatMap((result) =>
    ofResult(result, report.quick).map(
      (problem) => `${result.scenario} (${paramsText(result.params)}), ${result.subject}: ${problem}`,
    ),
  );
  const verified = report.results.every((result) => result.verified || result.peer === true);
  if (verified !== report.verified) problems.push('verified is not what its results say');
  return problems;
}

function ofResult(result: BenchResult, quick: boolean): string[] {
  const { runs, median, spread, target, reached, verified, problems } = result;
  const own = summarize(runs);
  const found = [
    ...differences(
      'median',
      median,
      own.median,
      (a, b) => Math.abs(a - b) <= ROUNDING * Math.max(Math.abs(a), Math.abs(b)),
    ),
    ...differences('spread', spread, own.spread, (a, b) => Math.abs(a - b) <= SPREAD_ROUNDING + ROUNDING * Math.abs(a)),
  ];
  const shown = target && !quick ? reaches(median, target) : undefined;
  if (shown !== reached) found.push('reached is not what its median says');
  if (verified !== (problems.length === 0 && runs.length > 0)) found.push('verified is not what its problems say');
  return found;
}

function differences(
  name: string,
  given: BenchFigures,
  own: BenchFigures,
  same: (a: number, b: number) => boolean,
): string[] {
  const [values, expected] = [numbersOf(given), numbersOf(own)];
  return [...new Set([...values.keys(), ...expected.keys()])].flatMap((figure) => {
    const [a = NaN, b = NaN] = [values.get(figure), expected.get(figure)];
    // What is no number stands in no file.
    if ((Number.isNaN(a) && Number.isNaN(b)) || same(a, b)) return [];
    return [`${name} ${figure} is ${a}, its runs say ${b}`];
  });
}

/** All numbers of figures by name, those of processes with their role. */
function numbersOf(figures: BenchFigures): Map<string, number> {
  const all = new Map<string, number>();
  const add = (prefix: string, values: object): void => {
    for (const [name, value] of Object.entries(values)) if (typeof value === 'number') all.set(prefix + name, value);
  };
  add('', figures);
  for (const { role, ...values } of figures.processes ?? []) add(`${role} `, values);
  return all;
}

import type { BenchReport, BenchResult } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { scenarios } from '../scenarios/index.js';
import { parseOptions } from './options.js';
import { planOf, timeText, type Variant } from './plan.js';

const named = (name: string) => scenarios.filter((scenario) => scenario.name === name);

/** A report with results that took so long for each run. */
function reportOf(
  results: Array<Pick<BenchResult, 'scenario' | 'subject' | 'params'> & Partial<BenchResult>>,
): BenchReport {
  return {
    results: results.map((result) => ({ runs: [], median: {}, spread: {}, verified: true, problems: [], ...result })),
  } as unknown as BenchReport;
}

test('a scenario has a warm-up unless its client has to be cold', () => {
  const warmUps = (name: string) => planOf(named(name), parseOptions([])).map((variant) => variant.warmUps);
  expect(new Set(warmUps('relay-download'))).toEqual(new Set([1]));
  expect(new Set(warmUps('relay-far'))).toEqual(new Set([0]));
  expect(new Set(warmUps('relay-link'))).toEqual(new Set([1]));
  expect(planOf(named('direct'), parseOptions(['--runs', '1'])).map((variant) => variant.warmUps)).toEqual([0, 0]);
});

test('every scenario runs five times, but for the soak', () => {
  for (const { scenario, runs } of planOf(scenarios, parseOptions([])))
    expect(runs, scenario.name).toBe(scenario.name === 'soak' ? 1 : 5);
});

test('the newest report that has a variant tells how long it takes, with the peers that are asked for', () => {
  const [{ params }] = planOf(named('direct'), parseOptions([])) as [Variant];
  const own = { scenario: 'direct', params };
  const older = reportOf([{ ...own, subject: 'millrace', runSeconds: 50 }]);
  const newer = reportOf([
    { ...own, subject: 'millrace', runSeconds: 1 },
    { ...own, subject: 'plain pipe', runSeconds: 0.5 },
    { ...own, subject: 'haproxy', runSeconds: 0.25, peer: true },
    { ...own, subject: 'base', runSeconds: 100 },
  ]);
  const seconds = (args: string[]) => planOf(named('direct'), parseOptions(args), [older, newer])[0]?.seconds;
  // Five runs and a warm-up, and two seconds to start and end.
  expect(seconds([])).toBe(2 + 6 * 1.5);
  expect(seconds(['--peer', 'haproxy'])).toBe(2 + 6 * 1.75);
  expect(seconds(['--against', 'HEAD'])).toBe(2 + 6 * 3);
  // Nothing is known of another link.
  expect(seconds(['--rtt', '50'])).toBeUndefined();
});

test('what no report has is told by its parameters, or is said to be unknown', () => {
  const soak = planOf(named('soak'), parseOptions(['--soak', '7200']));
  expect(timeText(soak)).toBe('about 120 min');
  expect(timeText(planOf(named('direct'), parseOptions([])))).toBe('2 sets of parameters not measured before');
  const both = planOf([...named('soak'), ...named('direct')], parseOptions(['--soak', '30']));
  expect(timeText(both)).toBe('about 32 s, and 2 sets of parameters not measured before');
});

import type { BenchReport } from '@millrace/protocol';
import { BenchError } from '../errors.js';
import { scenarios } from '../scenarios/index.js';

/** The reports that have the newest results of a scenario, newest first, with these results alone. */
export function newestResults(reports: BenchReport[]): BenchReport[] {
  const seen = new Set<string>();
  return reports.toReversed().flatMap((report) => {
    const results = report.results.filter(({ scenario }) => !seen.has(scenario));
    for (const { scenario } of results) seen.add(scenario);
    return results.length > 0 ? [{ ...report, results }] : [];
  });
}

/** The newest results of each scenario as one report, with the machine and the commit of the newest. @throws BenchError `REPORT` without any. */
export function mergedReport(reports: BenchReport[]): BenchReport {
  const parts = newestResults(reports);
  const [newest] = parts;
  if (!newest) throw new BenchError('REPORT', 'there is no report to draw');
  const place = new Map(scenarios.map(({ name }, i) => [name, i]));
  const results = parts
    .flatMap((part) => part.results)
    .sort((a, b) => (place.get(a.scenario) ?? place.size) - (place.get(b.scenario) ?? place.size));
  const ceilings = new Map(parts.toReversed().flatMap((part) => part.ceilings.map((one) => [one.link, one] as const)));
  return {
    ...newest,
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    ceilings: [...ceilings.values()],
    results,
    verified: parts.every(({ verified }) => verified),
  };
}

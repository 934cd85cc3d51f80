import type { BenchCeiling, BenchFigures, BenchParams, BenchResult } from '@millrace/protocol';
import type { Scenario } from '../scenarios/scenario.js';
import { SIMULATOR } from './ceiling.js';
import type { BenchOptions } from './options.js';
import { reaches, summarize } from './summary.js';

/** What was measured of one subject so far. */
export interface Collected {
  subject: string;
  ours: boolean;
  runs: BenchFigures[];
  problems: string[];
  notes: string[];
}

/** Holds each run of ours against the base's run of the same number. */
export function compareWithBase(collected: Map<string, Collected>, own: string): void {
  const base = collected.get('base');
  // Speed with wrong bytes is nothing to be compared with.
  if (!base || base.problems.length > 0) return;
  collected.get(own)?.runs.forEach((figures, i) => {
    const name = (
      ['MBps', 'streamsPerSecond', 'cpuNsPerPacket', 'operationsPerSecond', 'firstByteMsP50'] as const
    ).find((figure) => figures[figure] !== undefined);
    const before = name && base.runs[i]?.[name];
    if (name && before) figures.ratioToBase = (figures[name] ?? NaN) / before;
  });
}

/** What is reported of one subject. */
export function resultOf(
  scenario: Scenario,
  params: BenchParams,
  one: Collected,
  options: BenchOptions,
  ceilings: BenchCeiling[],
): BenchResult {
  const { subject, ours, runs, problems, notes } = one;
  const summary = summarize(runs);
  const target = ours ? scenario.target?.(params) : undefined;
  return {
    scenario: scenario.name,
    subject,
    ...(options.peers.includes(subject) && { peer: true }),
    params,
    runs,
    ...summary,
    ...(target && { target }),
    ...(target && !options.quick && { reached: reaches(summary.median, target) }),
    verified: problems.length === 0 && runs.length > 0,
    problems,
    ...limit(scenario, params, summary.median.MBps ?? 0, options, ceilings),
    ...(notes.length > 0 && { notes }),
  };
}

/** What carries the link carries too little to tell more of the subject. */
function limit(
  scenario: Scenario,
  { encoding }: BenchParams,
  MBps: number,
  options: BenchOptions,
  ceilings: BenchCeiling[],
): Pick<BenchResult, 'limitedBy'> {
  const own = scenario.kind === 'tunnel' && scenario.ownLink === true;
  const ceiling = ceilings.find(({ link }) => (link === SIMULATOR) === own);
  if (!ceiling || (!own && !options.link)) return {};
  // What the simulator carries is counted as it travels; as text that is four bytes for three.
  const most = own && encoding === 'text' ? (ceiling.MBps * 3) / 4 : ceiling.MBps;
  return MBps > most / 2 ? { limitedBy: ceiling.link === SIMULATOR ? SIMULATOR : `the ${ceiling.link}` } : {};
}

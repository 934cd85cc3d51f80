import type { BenchCeiling, BenchFigures, BenchParams, BenchResult } from '@millrace/protocol';
import type { Scenario } from '../scenarios/scenario.js';
import { UDP_LINKS } from '../udp/udp-ceiling.js';
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
  /** How long its runs took, with all that is done around their clock. */
  seconds: number;
}

/** What makes two results comparable. */
export const variantKey = ({ scenario, params }: Pick<BenchResult, 'scenario' | 'params'>): string =>
  `${scenario} ${JSON.stringify(params)}`;

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
  const { subject, ours, runs, problems, notes, seconds } = one;
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
    ...(runs.length > 0 && { runSeconds: seconds / runs.length }),
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
  // Workers of other scenarios go over no link at all.
  if (!scenario.ownLink && (scenario.kind === 'worker' || !options.link)) return {};
  const ceiling = ceilings.find(({ link }) => scenarioLink(scenario, link));
  if (!ceiling) return {};
  // What the simulator carries is counted as it travels; as text that is four bytes for three.
  const most = ceiling.link === SIMULATOR && encoding === 'text' ? (ceiling.MBps * 3) / 4 : ceiling.MBps;
  return MBps > most / 2 ? { limitedBy: ceiling.link === SIMULATOR ? SIMULATOR : `the ${ceiling.link}` } : {};
}

/** Whether a link that was measured is the one that the scenario goes over. */
function scenarioLink(scenario: Scenario, link: string): boolean {
  const ofUdp = Object.values(UDP_LINKS).includes(link);
  if (!scenario.ownLink) return !ofUdp && link !== SIMULATOR;
  return scenario.kind === 'worker' ? ofUdp : link === SIMULATOR;
}

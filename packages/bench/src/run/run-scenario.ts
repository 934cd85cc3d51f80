import type { BenchCeiling, BenchFigures, BenchParams, BenchResult } from '@millrace/protocol';
import { bedContext, type WorkerFolders } from './context.js';
import { openLab } from './lab.js';
import type { BenchOptions } from './options.js';
import { openSubjects, type Subject } from './subjects.js';
import { reaches, summarize } from './summary.js';
import type { Scenario } from '../scenarios/scenario.js';

/** One step of the work, for whoever shows progress. */
export interface Progress {
  scenario: string;
  params: BenchParams;
  subject: string;
  /** 0 for a warm-up, then counted from 1. */
  run: number;
  of: number;
  figures: BenchFigures;
  problems: string[];
}

/** What was measured of one subject so far. */
interface Collected {
  subject: string;
  ours: boolean;
  runs: BenchFigures[];
  problems: string[];
}

/** A scenario with one set of parameters: all subjects in turn, run by run, so that what the machine does meanwhile hits all alike. */
export async function runVariant(
  scenario: Scenario,
  params: BenchParams,
  options: BenchOptions,
  folders: WorkerFolders,
  ceilings: BenchCeiling[],
  onProgress: (progress: Progress) => void,
): Promise<BenchResult[]> {
  const collected = new Map<string, Collected>();
  const entry = (subject: string, ours: boolean): Collected => {
    const known = collected.get(subject) ?? { subject, ours, runs: [], problems: [] };
    collected.set(subject, known);
    return known;
  };
  const own = scenario.kind === 'worker' ? scenario.subject : 'millrace';
  const context = (side: 'subject' | 'base', name: string, targetPort: number): ReturnType<typeof bedContext> =>
    bedContext({
      folders,
      side,
      name: `${scenario.name}-${name}`,
      targetPort,
      ...(options.link && { link: options.link }),
      ...(options.profile !== undefined && { profile: options.profile }),
    });
  let lab: Awaited<ReturnType<typeof openLab>> | undefined;
  let subjects: Subject[] = [];
  try {
    if (scenario.kind === 'tunnel') lab = await openLab(context('subject', 'ends', 0).startHarness);
    const targetPort = lab?.targetPort ?? 0;
    subjects = await openSubjects({
      scenario,
      params,
      against: options.against !== undefined,
      peers: options.peers,
      context: (side, name) => context(side, name, targetPort),
      failed: (peer, { message }) => entry(peer, false).problems.push(message),
      ...(lab && { lab }),
    });
    const runs = Math.min(options.runs, scenario.runs ?? Infinity);
    const warmUps = scenario.runs === 1 ? 0 : options.warmUps;
    for (let run = 1 - warmUps; run <= runs; run++) {
      for (const subject of rotated(subjects, run)) {
        const keep = (name: string, ours: boolean, figures: BenchFigures, problems: string[]): void => {
          const { runs: kept, problems: known } = entry(name, ours);
          if (run > 0) kept.push(figures);
          known.push(...problems.map((problem) => `run ${run}: ${problem}`));
          onProgress({
            scenario: scenario.name,
            params,
            subject: name,
            run: Math.max(0, run),
            of: runs,
            figures,
            problems,
          });
        };
        await runOnce(subject, keep, own);
      }
    }
  } catch (error) {
    entry(own, true).problems.push((error as Error).message);
  } finally {
    await Promise.allSettled(subjects.map((subject) => subject.close()));
    await lab?.close();
  }
  compareWithBase(collected, own);
  const order = [own, 'base'];
  const place = ({ subject }: Collected): number => (order.includes(subject) ? order.indexOf(subject) : order.length);
  return [...collected.values()]
    .sort((a, b) => place(a) - place(b))
    .map((one) => resultOf(scenario, params, one, options, ceilings));
}

/** Every subject is first as often as the others. */
const rotated = (subjects: Subject[], run: number): Subject[] =>
  subjects
    .map((_, i) => subjects[(i + run + subjects.length) % subjects.length])
    .filter((subject) => subject !== undefined);

async function runOnce(
  subject: Subject,
  keep: (name: string, ours: boolean, figures: BenchFigures, problems: string[]) => void,
  own: string,
): Promise<void> {
  const { name, ours, baseline } = subject;
  let { figures, problems } = await attempt(() => subject.measure());
  if (baseline && problems.length === 0) {
    const beside = await attempt(() => baseline.measure(figures));
    keep(baseline.name, false, beside.figures, beside.problems);
    figures = { ...figures, ...baseline.compare(figures, beside.figures) };
  }
  keep(ours ? own : name, ours, figures, problems);
}

/** What fails is a problem of its run; the other subjects and runs go on. */
async function attempt(
  measure: () => Promise<{ figures: BenchFigures; problems: string[] }>,
): Promise<{ figures: BenchFigures; problems: string[] }> {
  try {
    return await measure();
  } catch (error) {
    return { figures: {}, problems: [(error as Error).message] };
  }
}

/** Holds each run of ours against the base's run of the same number. */
function compareWithBase(collected: Map<string, Collected>, own: string): void {
  const base = collected.get('base');
  // Speed with wrong bytes is nothing to be compared with.
  if (!base || base.problems.length > 0) return;
  collected.get(own)?.runs.forEach((figures, i) => {
    const name = (['MBps', 'streamsPerSecond', 'operationsPerSecond', 'firstByteMsP50'] as const).find(
      (figure) => figures[figure] !== undefined,
    );
    const before = name && base.runs[i]?.[name];
    if (name && before) figures.ratioToBase = (figures[name] ?? NaN) / before;
  });
}

function resultOf(
  scenario: Scenario,
  params: BenchParams,
  one: Collected,
  options: BenchOptions,
  ceilings: BenchCeiling[],
): BenchResult {
  const { subject, ours, runs, problems } = one;
  const summary = summarize(runs);
  const target = ours ? scenario.target?.(params) : undefined;
  const ceiling = ceilings[0]?.MBps ?? Infinity;
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
    ...((summary.median.MBps ?? 0) > ceiling / 2 && { limitedBy: 'the shaper of the link' }),
  };
}

import type { BenchCeiling, BenchFigures, BenchParams, BenchResult } from '@millrace/protocol';
import { bedContext, type WorkerFolders } from './context.js';
import type { BedContext } from '../bed/types.js';
import { compareWithBase, resultOf, type Collected } from './result.js';
import type { KernelLink } from './kernel-link.js';
import { openLab, type Lab } from './lab.js';
import type { BenchOptions } from './options.js';
import { openSubjects, type Subject } from './subjects.js';
import { nowMs } from '../process/clock.js';
import { paramsText } from '../report/table.js';
import type { Measurement } from '../scenarios/scenario.js';
import type { Variant } from './plan.js';
import type { Span } from './profile-summary.js';

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
  /** When it began and ended, by the clock of `nowMs`. */
  span: Span;
}

/** What a variant is run with, besides its parameters. */
export interface Surroundings {
  folders: WorkerFolders;
  ceilings: BenchCeiling[];
  /** Present when the link of the command is one of the kernel's. */
  kernel?: KernelLink;
}

/** A scenario with one set of parameters: all subjects in turn, run by run, so that what the machine does meanwhile hits all alike. */
export async function runVariant(
  { scenario, params, runs, warmUps }: Variant,
  options: BenchOptions,
  { folders, ceilings, kernel }: Surroundings,
  onProgress: (progress: Progress) => void,
): Promise<BenchResult[]> {
  const collected = new Map<string, Collected>();
  const entry = (subject: string, ours: boolean): Collected => {
    const known = collected.get(subject) ?? { subject, ours, runs: [], problems: [], notes: [], seconds: 0 };
    collected.set(subject, known);
    return known;
  };
  const own = scenario.kind === 'worker' ? scenario.subject : 'millrace';
  const ownLink = scenario.kind === 'tunnel' && scenario.ownLink === true;
  const context = (side: 'subject' | 'base', name: string, target?: Lab['address']): BedContext =>
    bedContext({
      folders,
      side,
      name: `${scenario.name} ${paramsText(params)} ${name}`,
      ...(target && { target }),
      ...(!ownLink && kernel && { kernel }),
      ...(!ownLink && !kernel && options.link && { link: options.link }),
      ...(options.profile !== undefined && { profile: options.profile }),
    });
  let lab: Lab | undefined;
  let subjects: Subject[] = [];
  try {
    if (scenario.kind === 'tunnel') {
      const { startHarness, farHost } = context('subject', 'ends');
      lab = await openLab(startHarness, farHost);
    }
    subjects = await openSubjects({
      scenario,
      params,
      against: options.against !== undefined,
      peers: options.peers,
      context: (side, name) => context(side, name, lab?.address),
      failed: (peer, { message }) => entry(peer, false).problems.push(message),
      lacking: ({ message }) => entry(own, true).notes.push(`the base cannot be measured: ${message}`),
      ...(lab && { lab }),
    });
    for (let run = 1 - warmUps; run <= runs; run++) {
      for (const subject of rotated(subjects, run)) {
        const keep: Keep = (name, ours, { figures, problems, span }) => {
          const one = entry(name, ours);
          if (run > 0) {
            one.runs.push(figures);
            one.seconds += (span.endMs - span.startMs) / 1e3;
          }
          one.problems.push(...problems.map((problem) => `run ${run}: ${problem}`));
          onProgress({
            scenario: scenario.name,
            params,
            subject: name,
            run: Math.max(0, run),
            of: runs,
            figures,
            problems,
            span,
          });
        };
        await runOnce(subject, run > 0 ? params : (scenario.warmUp?.(params) ?? params), keep, own);
      }
    }
    for (const subject of subjects)
      entry(subject.ours ? own : subject.name, subject.ours).notes.push(...subject.notes());
    if (runs < options.runs)
      entry(own, true).notes.push(`${runs} run${runs === 1 ? '' : 's'}: ${scenario.fewerRuns?.(params)?.why}`);
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

/** One run, and when it was with all that is done around its clock. */
type Timed = Measurement & { span: Span };
type Keep = (name: string, ours: boolean, timed: Timed) => void;

async function runOnce(subject: Subject, params: BenchParams, keep: Keep, own: string): Promise<void> {
  const { name, ours, baseline } = subject;
  const timed = await attempt(() => subject.measure(params));
  if (baseline && timed.problems.length === 0) {
    const beside = await attempt(() => baseline.measure(timed.figures, params));
    keep(baseline.name, false, beside);
    timed.figures = { ...timed.figures, ...baseline.compare(timed.figures, beside.figures) };
  }
  keep(ours ? own : name, ours, timed);
}

/** What fails is a problem of its run; the other subjects and runs go on. */
async function attempt(measure: () => Promise<Measurement>): Promise<Timed> {
  const startMs = nowMs();
  const span = (): Span => ({ startMs, endMs: nowMs() });
  try {
    return { ...(await measure()), span: span() };
  } catch (error) {
    return { figures: {}, problems: [(error as Error).message], span: span() };
  }
}

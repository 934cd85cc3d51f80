import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { VERSION, type BenchCeiling, type BenchMissing, type BenchReport, type BenchResult } from '@millrace/protocol';
import { findPeer } from '../peers/find-peer.js';
import { peers } from '../peers/index.js';
import { bundleWorkers, removeBundle } from '../process/bundle.js';
import { scenarios } from '../scenarios/index.js';
import type { Scenario } from '../scenarios/scenario.js';
import { currentCommit, openBaseTree } from './against.js';
import { measureKernelLink, measureShaper, measureSimulator } from './ceiling.js';
import type { WorkerFolders } from './context.js';
import { kernelLinkMissing, openKernelLink, type KernelLink } from './kernel-link.js';
import type { BenchOptions } from './options.js';
import { measureUdpLink } from '../udp/udp-ceiling.js';
import { udpLinkKind } from '../udp/udp-link.js';
import { planOf, timeText } from './plan.js';
import { ProfileReader, type Span } from './profile-summary.js';
import { runVariant, type Progress } from './run-scenario.js';

/** Who shows what happens. */
export interface Display {
  /** A line that stays. */
  say(line: string): void;
  progress(progress: Progress): void;
  results(results: BenchResult[]): void;
}

/** What a command runs with. */
export interface BenchRun {
  /** The arguments, for the report. */
  args: string[];
  display: Display;
  /** Earlier reports, oldest first: they tell how long it will take. */
  earlier?: BenchReport[];
  /** Given the report so far after each scenario, so that nothing is lost with what comes after it. */
  save?(report: BenchReport): Promise<void>;
}

/** Runs everything that the options ask for; gives the report. */
export async function runBench(options: BenchOptions, run: BenchRun): Promise<BenchReport> {
  const { args, display, earlier } = run;
  const startedAt = new Date();
  const commit = await currentCommit();
  const cleanUps: Array<() => Promise<void>> = [];
  try {
    const bundle = async (part: 'harness' | 'subject', folder?: string): Promise<string> => {
      const made = await bundleWorkers(part, folder);
      cleanUps.push(() => removeBundle(made));
      return made;
    };
    const base = options.against === undefined ? undefined : await openBaseTree(options.against);
    if (base) cleanUps.push(() => base.remove());
    const folders = {
      harness: await bundle('harness'),
      subject: await bundle('subject'),
      ...(base && { base: await bundle('subject', base.folder) }),
    };
    const missing = missingPeers(options.peers);
    for (const { peer, install } of missing) display.say(`${peer} is not installed: ${install}`);
    const wanted = scenarios.filter(({ name }) => options.scenarios.length === 0 || options.scenarios.includes(name));
    const { kernel, ceilings } = await openLinks(options, wanted, folders, display);
    if (kernel) cleanUps.unshift(() => kernel.close());

    const results: BenchResult[] = [];
    const report = (): BenchReport => ({
      format: 'millrace-bench-1',
      startedAt: startedAt.toISOString(),
      seconds: (Date.now() - startedAt.getTime()) / 1e3,
      ...(commit !== undefined && { commit }),
      ...(base && { against: base.name }),
      version: VERSION,
      quick: options.quick,
      arguments: args,
      machine: machine(),
      ceilings,
      results: [...results],
      missing,
      verified: results.every(({ verified, peer }) => verified || peer === true),
    });
    const profiles = new ProfileReader(options.profile);
    const plan = planOf(wanted, options, earlier);
    display.say(`${plan.length} set${plan.length === 1 ? '' : 's'} of parameters: ${timeText(plan)}`);
    for (const [i, variant] of plan.entries()) {
      const surroundings = { folders, ceilings, ...(kernel && { kernel }) };
      const spans: Array<Span & { subject: string }> = [];
      const found = await runVariant(variant, options, surroundings, (progress) => {
        const { run: number, subject, span } = progress;
        if (number > 0) spans.push({ subject, ...span });
        display.progress(progress);
      });
      results.push(...found);
      display.results(found);
      for (const text of await profiles.next(spans)) display.say(text);
      const left = plan.slice(i + 1);
      if (left.length > 0) display.say(`${i + 1} of ${plan.length} done; left: ${timeText(left)}\n`);
      if (left[0]?.scenario !== variant.scenario) await run.save?.(report());
    }
    return report();
  } finally {
    await Promise.allSettled(cleanUps.map((cleanUp) => cleanUp()));
  }
}

/** Makes the link that was asked for, and measures first what each link carries by itself. */
async function openLinks(
  { link, kernel: wantsKernel, quick }: BenchOptions,
  wanted: Scenario[],
  folders: WorkerFolders,
  display: Display,
): Promise<{ kernel?: KernelLink; ceilings: BenchCeiling[] }> {
  const ceilings: BenchCeiling[] = [];
  const add = (ceiling: BenchCeiling): void => {
    ceilings.push(ceiling);
    display.say(`${ceiling.link}: it carries ${ceiling.MBps.toFixed(0)} MB/s by itself`);
  };
  if (wanted.some((scenario) => scenario.kind === 'tunnel' && scenario.ownLink)) {
    add(await measureSimulator(folders, quick));
  }
  if (wanted.some((scenario) => scenario.kind === 'worker' && scenario.ownLink)) {
    add(await measureUdpLink(folders, udpLinkKind(quick), quick));
  }
  if (!link) return { ceilings };
  const missing = wantsKernel ? kernelLinkMissing() : undefined;
  if (missing !== undefined) display.say(`no kernel link: ${missing}; the in-process shaper takes its place`);
  if (!wantsKernel || missing !== undefined) {
    add(await measureShaper(folders, link, quick));
    return { ceilings };
  }
  add(await measureKernelLink(folders, link, quick));
  return { kernel: await openKernelLink(link), ceilings };
}

function missingPeers(asked: string[]): BenchMissing[] {
  return peers
    .filter((peer) => asked.includes(peer.name) && !findPeer(peer))
    .map(({ name, install }) => ({ peer: name, install }));
}

function machine(): BenchReport['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

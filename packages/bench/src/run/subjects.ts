import type { BenchFigures, BenchParams } from '@millrace/protocol';
import { openPeerBed } from '../bed/peer-bed.js';
import { openPipeBed } from '../bed/pipe-bed.js';
import { openTunnelBed } from '../bed/tunnel-bed.js';
import type { Bed, BedContext } from '../bed/types.js';
import { findPeer } from '../peers/find-peer.js';
import { peers as knownPeers, PIPE_PEER } from '../peers/index.js';
import type { MeasuredBeside, Measurement, Scenario, TunnelScenario } from '../scenarios/scenario.js';
import type { Lab } from './lab.js';

/** Something that is measured run by run beside the others. */
export interface Subject {
  name: string;
  /** Whether the target of the scenario is meant for it. */
  ours: boolean;
  readonly measure: (params: BenchParams) => Promise<Measurement>;
  close(): Promise<void>;
  /** What is to be known beside its figures. */
  notes(): string[];
  /** What each of its runs is held against, right after it. */
  baseline?: MeasuredBeside;
}

/** What the subjects of a scenario are opened with. */
export interface SubjectOptions {
  scenario: Scenario;
  params: BenchParams;
  against: boolean;
  peers: string[];
  readonly context: (side: 'subject' | 'base', name: string) => BedContext;
  /** Told of a peer that does not start. */
  failed(peer: string, error: Error): void;
  /** Told of a base that cannot do this scenario. */
  lacking(error: Error): void;
  /** The lab of a scenario of a tunnel. */
  lab?: Lab;
}

/** Opens what a scenario measures: ours, the base, peers. Closes all of it when one cannot be opened. */
export async function openSubjects(options: SubjectOptions): Promise<Subject[]> {
  const { scenario } = options;
  const subjects: Subject[] = [];
  try {
    if (scenario.kind === 'worker') {
      subjects.push(await openWorker(options, 'subject'));
      if (options.against && scenario.comparable) await openBase(options, subjects, () => openWorker(options, 'base'));
      return subjects;
    }
    subjects.push(await openOurs(options, scenario, 'subject'));
    if (options.against) await openBase(options, subjects, () => openOurs(options, scenario, 'base'));
    for (const name of scenario.peers?.(options.params) ? options.peers : []) {
      const open = peerOpener(name);
      if (!open) continue;
      try {
        subjects.push(onBed(options, scenario, name, await open(options.context('subject', name))));
      } catch (error) {
        // A peer that does not start is told as what it is, and costs the others nothing.
        options.failed(name, error as Error);
      }
    }
    return subjects;
  } catch (error) {
    await Promise.allSettled(subjects.map((subject) => subject.close()));
    throw error;
  }
}

/** An older tree may lack what a scenario needs. That is told, and costs ours nothing. */
async function openBase(options: SubjectOptions, subjects: Subject[], open: () => Promise<Subject>): Promise<void> {
  try {
    subjects.push(await open());
  } catch (error) {
    options.lacking(error as Error);
  }
}

async function openWorker({ scenario, params, context }: SubjectOptions, side: 'subject' | 'base'): Promise<Subject> {
  if (scenario.kind !== 'worker') throw new TypeError(`${scenario.name} is no scenario of a worker`);
  const name = side === 'base' ? 'base' : scenario.subject;
  const { baseline, ...own } = await scenario.open(context(side, name), params);
  const ours = side === 'subject';
  return { name, ours, notes: () => [], ...own, ...(ours && baseline && { baseline }) };
}

async function openOurs(options: SubjectOptions, scenario: TunnelScenario, side: 'subject' | 'base'): Promise<Subject> {
  const name = side === 'base' ? 'base' : 'millrace';
  const context = options.context(side, name);
  const bed = await openTunnelBed(context, scenario.setUp?.(options.params));
  const subject = { ...onBed(options, scenario, name, bed), ours: side === 'subject' };
  const { baseline } = scenario;
  if (!baseline || side === 'base' || !options.lab) return subject;
  try {
    const open = await baseline.open(options.context('subject', baseline.name), options.lab, options.params);
    return {
      ...subject,
      baseline: { name: baseline.name, measure: open.measure, compare: baseline.compare ?? ratioOfSpeeds },
      close: async () => {
        await Promise.allSettled([open.close(), bed.close()]);
      },
    };
  } catch (error) {
    await bed.close();
    throw error;
  }
}

const ratioOfSpeeds = (own: BenchFigures, baseline: BenchFigures): BenchFigures => ({
  ratio: (own.MBps ?? NaN) / (baseline.MBps ?? NaN),
});

function onBed({ lab }: SubjectOptions, scenario: TunnelScenario, name: string, bed: Bed): Subject {
  if (!lab) throw new TypeError(`${scenario.name} needs a lab`);
  const notes = new Set(bed.notes);
  return {
    name,
    ours: false,
    notes: () => [...notes],
    measure: async (params) => {
      if (scenario.cold) await bed.renewClient?.();
      const { figures, problems } = await scenario.measure(lab, bed, params);
      const otherLevel = (await bed.wrongLevel?.()) ?? [];
      // An older tree does what it can; ours has to do what was asked for.
      if (name !== 'base') return { figures, problems: [...problems, ...otherLevel] };
      for (const note of otherLevel) notes.add(note);
      return { figures, problems };
    },
    close: () => bed.close(),
  };
}

/** How a peer is opened; undefined when it is not installed. */
function peerOpener(name: string): ((context: BedContext) => Promise<Bed>) | undefined {
  if (name === PIPE_PEER) return openPipeBed;
  const peer = knownPeers.find((known) => known.name === name);
  const paths = peer && findPeer(peer);
  return peer && paths ? (context) => openPeerBed(context, peer, paths) : undefined;
}

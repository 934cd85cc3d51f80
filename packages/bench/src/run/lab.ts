import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';
import { stopAll, type BedContext } from '../bed/types.js';
import type { ApplicationVerbs } from '../workers/application.js';
import type { TargetVerbs } from '../workers/target.js';

/** Both ends, outside the tunnel: the same for every subject of a scenario. */
export interface Lab {
  readonly application: Child<ApplicationVerbs>;
  readonly target: Child<TargetVerbs>;
  /** Where the target listens, as the far side sees it. */
  readonly address: { host: string; port: number };
  /** A second application, for what goes on beside the first. Started when first asked for. */
  second(): Promise<Child<ApplicationVerbs>>;
  /** A host that neither accepts nor refuses connections. */
  deadHost(): Promise<{ host: string; port: number }>;
  /** The first of `count` numbers that no transfer had yet. */
  takeIds(count: number): number;
  close(): Promise<void>;
}

/** Starts application and target. */
export async function openLab(startHarness: BedContext['startHarness'], host = '127.0.0.1'): Promise<Lab> {
  const parts: Array<Child<Verbs>> = [];
  const start = async <V extends Verbs>(worker: string, role: string): Promise<Child<V>> => {
    const child = await startHarness<V>(worker, role);
    parts.push(child);
    return child;
  };
  const target = await start<TargetVerbs>('target', 'target');
  const application = await start<ApplicationVerbs>('application', 'application');
  const address = { host, port: await target.call('listen', { host }) };
  let second: Promise<Child<ApplicationVerbs>> | undefined;
  let deadPort: Promise<number> | undefined;
  let last = 0;
  return {
    application,
    target,
    address,
    second: () => (second ??= start<ApplicationVerbs>('application', 'second application')),
    deadHost: async () => ({ host: '127.0.0.1', port: await (deadPort ??= target.call('deadHost', null)) }),
    takeIds: (count) => {
      last += count;
      return last - count + 1;
    },
    close: () => stopAll(parts),
  };
}

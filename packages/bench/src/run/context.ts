import { fileName } from './profile-summary.js';
import type { BedContext, Side, Sides } from '../bed/types.js';
import type { Link } from '../check/shaped-direction.js';
import { startChild, type Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';

/** Where the bundled workers are. */
export interface WorkerFolders {
  harness: string;
  /** Those of the tree under test, and of the base of `--against`. */
  subject: string;
  base?: string;
}

/** Workers that stand before the link; all others are behind it. */
const NEAR = new Set(['application', 'client', 'floor-client']);

/** Counts profiles, so that the names of two runs of one command differ. */
let profiles = 0;

/** What beds of one subject are built with. `name` stands in the names of profiles. */
export function bedContext(options: {
  folders: WorkerFolders;
  side: 'subject' | 'base';
  name: string;
  target?: { host: string; port: number };
  link?: Link;
  kernel?: Sides;
  profile?: string;
}): BedContext {
  const { link, ...others } = options;
  const { folders, side, name, target = { host: '127.0.0.1', port: 0 }, kernel, profile } = others;
  const start = <V extends Verbs>(folder: string, worker: string, role = worker, at?: Side): Promise<Child<V>> =>
    startChild<V>({
      folder,
      worker,
      role,
      ...(kernel && { within: kernel.within[at ?? (NEAR.has(worker) ? 'near' : 'far')] }),
      ...(profile !== undefined && {
        profile: { folder: profile, name: fileName(`${name}-${role}-${++profiles}.cpuprofile`) },
      }),
    });
  const tree = side === 'base' ? (folders.base ?? folders.subject) : folders.subject;
  return {
    startHarness: (worker, role, at) => start(folders.harness, worker, role, at),
    startSubject: (worker, role, at) => start(tree, worker, role, at),
    over: (sides) => bedContext({ ...others, kernel: sides }),
    target,
    farHost: kernel?.farHost ?? '127.0.0.1',
    ...(link && { link }),
  };
}

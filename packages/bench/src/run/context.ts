import type { BedContext } from '../bed/types.js';
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

/** Counts profiles, so that the names of two runs of one command differ. */
let profiles = 0;

/** What beds of one subject are built with. `name` stands in the names of profiles. */
export function bedContext(options: {
  folders: WorkerFolders;
  side: 'subject' | 'base';
  name: string;
  targetPort: number;
  link?: Link;
  profile?: string;
}): BedContext {
  const { folders, side, name, targetPort, link, profile } = options;
  const start = <V extends Verbs>(folder: string, worker: string, role = worker): Promise<Child<V>> =>
    startChild<V>({
      folder,
      worker,
      role,
      ...(profile !== undefined && {
        profile: { folder: profile, name: `${name}-${role}-${++profiles}.cpuprofile`.replaceAll(/[^\w.-]+/g, '_') },
      }),
    });
  const tree = side === 'base' ? (folders.base ?? folders.subject) : folders.subject;
  return {
    startHarness: (worker, role) => start(folders.harness, worker, role),
    startSubject: (worker, role) => start(tree, worker, role),
    targetPort,
    ...(link && { link }),
  };
}

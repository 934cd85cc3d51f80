import type { BenchProcess } from '@millrace/protocol';
import type { Link } from '../check/shaped-direction.js';
import type { Entry } from '../check/open-through.js';
import type { Child } from '../process/child.js';
import type { Verbs } from '../process/worker.js';

/** What one process has used so far; its role does not change. */
export type ProcessUsage = Omit<BenchProcess, 'cpuSecondsPerGB'>;

/** A process whose cost is charged to the subject. */
export interface Measured {
  role: string;
  usage(): Promise<ProcessUsage>;
}

/** One subject, running: a tunnel of ours, a peer, or a plain pipe. */
export interface Bed {
  /** How applications enter it. */
  readonly entry: Entry;
  readonly measured: Measured[];
  /** Requests and bytes between client and relays so far; absent where that cannot be seen. */
  wire?(): Promise<{ requests: number; bytes: number }>;
  /** What the processes themselves say of failures since the last call, to explain problems. */
  says?(): Promise<string[]>;
  /** Memory, handles and timers of all processes now; absent where they cannot be seen. */
  resources?(): Promise<{ memoryMiB: number; handles: number; timers: number }>;
  close(): Promise<void>;
}

/** What beds are built with. */
export interface BedContext {
  /** Starts a worker of the harness. */
  readonly startHarness: <V extends Verbs>(worker: string, role?: string) => Promise<Child<V>>;
  /** Starts a worker of the tree under test. */
  readonly startSubject: <V extends Verbs>(worker: string, role?: string) => Promise<Child<V>>;
  /** Port of the target on loopback, for entries that lead to one place only. */
  readonly targetPort: number;
  /** Link between client and relays that the command asked for; absent for loopback as it is. */
  readonly link?: Link;
}

/** Charges a worker to the subject. */
export function measured(child: Child<Verbs>): Measured {
  const { role } = child;
  return {
    role,
    usage: async () => {
      const { cpuSeconds, peakMemoryMiB, garbageCollections, garbageCollectionMs } = await child.usage();
      return { role, cpuSeconds, peakMemoryMiB, garbageCollections, garbageCollectionMs };
    },
  };
}

/** Stops everything that was started, last first, even when some of it fails. */
export async function stopAll(parts: Array<{ stop(): Promise<void> }>): Promise<void> {
  await Promise.allSettled(parts.toReversed().map((part) => part.stop()));
}

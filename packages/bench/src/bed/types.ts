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

/** Requests and bytes between client and relays so far, and most requests at once since `forgetPeak`. */
export interface Wire {
  requests: number;
  bytes: number;
  mostInFlight: number;
}

/** One subject, running: a tunnel of ours, a peer, or a plain pipe. */
export interface Bed {
  /** How applications enter it. */
  readonly entry: Entry;
  readonly measured: Measured[];
  /** What went between client and relays; absent where that cannot be seen. */
  wire?(): Promise<Wire>;
  /** Lets `mostInFlight` begin anew. */
  forgetPeak?(): Promise<void>;
  /** Puts a new client in the place of the one that runs, for what has to begin cold. `entry` is another one then. */
  renewClient?(): Promise<void>;
  /** What is wrong with the level that its processes speak, seen from outside; nothing when it is the one asked for. */
  wrongLevel?(): Promise<string[]>;
  /** What the processes themselves say of failures since the last call, to explain problems. */
  says?(): Promise<string[]>;
  /** Memory, handles and timers of all processes now; absent where they cannot be seen. */
  resources?(): Promise<{ memoryMiB: number; handles: number; timers: number }>;
  /** What is to be known beside the figures. */
  readonly notes?: string[];
  close(): Promise<void>;
}

/** On which side of the link a process runs: `near` are application and client, `far` is all else. */
export type Side = 'near' | 'far';

/** Two places in which programs run, with a link between them. */
export interface Sides {
  /** What starts a program on each side. */
  readonly within: Readonly<Record<Side, readonly string[]>>;
  /** Address of the far side. */
  readonly farHost: string;
}

/** What beds are built with. */
export interface BedContext {
  /** Starts a worker of the harness, on the side where it belongs unless told otherwise. */
  readonly startHarness: <V extends Verbs>(worker: string, role?: string, side?: Side) => Promise<Child<V>>;
  /** Starts a worker of the tree under test. */
  readonly startSubject: <V extends Verbs>(worker: string, role?: string, side?: Side) => Promise<Child<V>>;
  /** The same over a link of the scenario's own, in the place of whatever the command asked for. */
  readonly over: (link: Sides) => BedContext;
  /** Where the target is, for entries that lead to one place only. */
  readonly target: { host: string; port: number };
  /** Address of the far side: what is reached over the link listens there. */
  readonly farHost: string;
  /** Link of the in-process shaper between client and relays; absent for the network as it is. */
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

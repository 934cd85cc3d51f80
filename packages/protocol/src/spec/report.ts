/**
 * Benchmark reports: what `npm run bench -- --json FILE` writes. Units stand in the names. New optional fields may be
 * added in any release; none changes its meaning.
 */
import type { Ms } from './events.js';
import type { Count } from './scalars.js';

/** Payload in 10^6 bytes a second. @minimum 0 */
export type MegabytesPerSecond = number;

/** One run of the benchmark: one machine, one commit, any number of scenarios. */
export interface BenchReport {
  /** Layout of this file. */
  format: 'millrace-bench-1';
  /** When the run began, ISO 8601 in UTC. */
  startedAt: string;
  /** How long it took. @minimum 0 */
  seconds: number;
  /** Commit of the sources measured, with `+` where files differed from it; absent outside a repository. */
  commit?: string;
  /** What `--against` named, with its commit. */
  against?: string;
  /** Version of Millrace. */
  version: string;
  /** True when sizes were the quick ones: for correctness only, the figures mean nothing. */
  quick: boolean;
  /** Arguments of the command. */
  arguments: string[];
  machine: BenchMachine;
  /** Speed of each shaped link with nothing else on it, measured first. */
  ceilings: BenchCeiling[];
  results: BenchResult[];
  /** Peers that were asked for and are not installed. */
  missing: BenchMissing[];
  /** True when every byte of every run was right. Peers have a verdict of their own: what another tunnel loses is no fault of ours. */
  verified: boolean;
}

/** Where it ran. */
export interface BenchMachine {
  cpu: string;
  cores: Count;
  memoryGiB: number;
  system: string;
  node: string;
}

/** The own ceiling of a shaped link. */
export interface BenchCeiling {
  /** What was shaped, such as `client leg`, `kernel link` or `relay simulator`. */
  link: string;
  /** Settings of the link. @minimum 0 */
  rttMs: number;
  /** Rate per direction, all connections together; 0 is unlimited. @minimum 0 */
  rateMbps: number;
  /** Share of segments lost, in per cent. @minimum 0 */
  lossPercent: number;
  /** What the shaper itself carries with neither delay, rate nor loss. @minimum 0 */
  MBps: number;
  /** Datagrams a second that a link for UDP carries so. @minimum 0 */
  packetsPerSecond?: number;
}

/** A peer that is not installed. */
export interface BenchMissing {
  peer: string;
  /** The command that installs it. */
  install: string;
}

/** One subject in one scenario with one set of parameters. */
export interface BenchResult {
  scenario: string;
  /** What was measured: `millrace`, `base` (of `--against`), the baseline of the scenario, or the name of a peer. */
  subject: string;
  /** True for a peer. */
  peer?: boolean;
  /** Parameters of the scenario, such as streams, bytes and encoding. */
  params: BenchParams;
  /** Every measured run, in order; the warm-up is not among them. */
  runs: BenchFigures[];
  /** Median of each figure over the runs. */
  median: BenchFigures;
  /** Half the distance between the quartiles of each figure, in per cent of its median. */
  spread: BenchFigures;
  /** What is to be reached; absent for baselines, peers and tables. */
  target?: BenchTarget;
  /** Whether the median reached the target; absent without one, and in quick runs. */
  reached?: boolean;
  /** Whether every byte of every run was right and every count agreed at both ends. */
  verified: boolean;
  /** What was wrong, with offsets. */
  problems: string[];
  /** Wall-clock time of one run on average, with all that is done around its clock. @minimum 0 */
  runSeconds?: number;
  /** What besides the subject limits the figure, such as the ceiling of the shaper. */
  limitedBy?: string;
  /** What is to be known beside the figures: why there are fewer runs, or what the base cannot do. */
  notes?: string[];
}

/** Parameters by name. */
export interface BenchParams {
  [name: string]: string | number | boolean;
}

/** A bound of one figure. All that is given must hold. */
export interface BenchBound {
  figure: string;
  atLeast?: number;
  atMost?: number;
}

/** What is to be reached. */
export interface BenchTarget extends BenchBound {
  /** Bounds of other figures that must hold too. */
  also?: BenchBound[];
  /** The target in words. */
  text: string;
}

/** What one run measured. A figure that does not belong to the scenario is absent. */
export interface BenchFigures {
  /** Time from the first request to the last byte confirmed. */
  seconds?: number;
  /** Payload bytes, in 10^6 bytes a second. */
  MBps?: number;
  /** Result beside the scenario's own baseline in the same run. */
  ratio?: number;
  /** Result of the change beside the base in the same run. */
  ratioToBase?: number;
  firstByteMsP50?: number;
  firstByteMsP90?: number;
  firstByteMsP99?: number;
  firstByteMsMax?: number;
  latencyMsP50?: number;
  latencyMsP90?: number;
  latencyMsP99?: number;
  latencyMsMax?: number;
  /** The p99 of the latency under load over the p99 without load. */
  addedLatencyMsP99?: number;
  /** The p50 of the first byte in bare exchanges of the same run. */
  exchangesP50?: number;
  /** Longest time without any byte on any stream. */
  longestSilenceMs?: number;
  /** CPU of all processes of the subject; source, sink and checker are not among them. */
  cpuSecondsPerGB?: number;
  /** CPU spent on checking bytes, in the processes of source and sink. */
  checkerCpuSecondsPerGB?: number;
  /** Requests of clients to relays. */
  requests?: number;
  /** Bytes between client and relays, both directions, HTTP included; of a UDP session those of IP and UDP are counted too. */
  wireBytes?: number;
  /** `wireBytes` over the payload. */
  overheadPercent?: number;
  garbageCollections?: number;
  /** Requests beside the payload divided by the largest body that the relay takes: 1 is the least that can do it. */
  requestsRatio?: number;
  /** Requests an hour of a client whose streams are idle, where the relay bears a hold of 30 s. */
  requestsPerHour?: number;
  /** Requests of many idle streams over those of one, in the same time. */
  addedRequests?: number;
  /** Most requests that the relay had at once. */
  mostInFlight?: number;
  /** Time from the first request to the first quarter of the bytes. */
  settleSeconds?: number;
  /** Payload over the last three quarters of the bytes, in 10^6 bytes a second. */
  settledMBps?: number;
  /** Time of the whole in round trips of its link. */
  roundTrips?: number;
  /** Fairness between streams (Jain): 1 is even. */
  jain?: number;
  streamsPerSecond?: number;
  operationsPerSecond?: number;
  /** Packets sent, repairs and reports included. */
  packetsPerSecond?: number;
  /** Packets that the network or the kernel lost, in per cent of those sent. */
  packetsLostPercent?: number;
  /** CPU of one packet. */
  cpuNsPerPacket?: number;
  /** The same over that of the baseline in the same run. */
  costRatio?: number;
  /** CPU of the sending process per packet sent, and of the receiving one per packet received, checking left out. */
  sendCpuNsPerPacket?: number;
  receiveCpuNsPerPacket?: number;
  /** The same over those of the baseline in the same run. */
  sendCostRatio?: number;
  receiveCostRatio?: number;
  /** JavaScript heap allocated per packet at each end after warm-up, what collections freed included. */
  sendHeapBytesPerPacket?: number;
  receiveHeapBytesPerPacket?: number;
  /** System calls that send or receive, per 1,000 packets. */
  callsPer1000Packets?: number;
  /** Share of frames that were whole, or of messages that were answered, in the time that the scenario gives them. */
  inTimePercent?: number;
  /** Slopes over the whole run. */
  memoryMiBPerHour?: number;
  handlesPerHour?: number;
  timersPerHour?: number;
  /** Throughput over time, all streams together, one value per bin. @itemsAre MegabytesPerSecond */
  timelineMBps?: MegabytesPerSecond[];
  /** Width of a bin of `timelineMBps`. */
  timelineBinMs?: number;
  /** Every sample of the scenario's latency or first byte, at most 500, evenly taken, in order of size. @itemsAre Ms */
  samplesMs?: Ms[];
  processes?: BenchProcess[];
}

/** One process during one run. */
export interface BenchProcess {
  /** `client`, `relay`, `node`, `source`, `sink`, or the name of a peer's program. */
  role: string;
  cpuSeconds: number;
  cpuSecondsPerGB?: number;
  peakMemoryMiB?: number;
  garbageCollections?: number;
  garbageCollectionMs?: number;
}

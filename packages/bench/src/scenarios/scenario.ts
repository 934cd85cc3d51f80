import type { BenchFigures, BenchParams, BenchTarget } from '@millrace/protocol';
import type { TunnelSetUp } from '../bed/tunnel-bed.js';
import type { Bed, BedContext } from '../bed/types.js';
import type { Lab } from '../run/lab.js';

/** What one run of one subject gave. */
export interface Measurement {
  figures: BenchFigures;
  /** What was wrong, with offsets; empty when every byte was right. */
  problems: string[];
}

/** What the command asked for that changes sizes. */
export interface SizeOptions {
  /** Small sizes, for correctness only. */
  quick: boolean;
  /** Length of the soak. */
  soakSeconds: number;
  /** Whether a link was asked for by `--rtt`, `--rate` or `--loss`. */
  shaped: boolean;
}

interface ScenarioBase<P extends BenchParams> {
  /** Name on the command line. */
  readonly name: string;
  /** One sentence on what it measures. */
  readonly about: string;
  /** The sets of parameters that it runs with. */
  variants(options: SizeOptions): P[];
  /** What is to be reached with these parameters; absent where only a table is wanted. */
  target?(params: P): BenchTarget | undefined;
  /** Fewer runs than usual, and why: one run takes too long. */
  fewerRuns?(params: P): { most: number; why: string } | undefined;
  /** What a warm-up runs with instead: less of it is enough where the link is the slow part. */
  warmUp?(params: P): P;
  /** Seconds that one run takes at least, with its baseline, where parameters tell. It serves to say beforehand how long a command takes. */
  lasts?(params: P): number;
}

/** A scenario of bytes through a tunnel, or through a peer by the same means. */
export interface TunnelScenario<P extends BenchParams = BenchParams> extends ScenarioBase<P> {
  readonly kind: 'tunnel';
  /**
   * Whether peers do it too, beside these parameters; default no. They carry TCP to the target, and nothing else is asked of
   * them: what they carry has no encoding, so that one row of them is enough.
   */
  peers?(params: P): boolean;
  /** How our tunnel is set up. */
  setUp(params: P): TunnelSetUp;
  /** Whether it has simulated relays of its own: what `--rtt`, `--rate` and `--loss` ask for is left out then. */
  readonly ownLink?: boolean;
  /** Whether every run begins with a client that has just been started, and knows nothing of the relays. No warm-up then either. */
  readonly cold?: boolean;
  /** One run. */
  measure(lab: Lab, bed: Bed, params: P): Promise<Measurement>;
  /** What every run is held against, in the same run. */
  readonly baseline?: Baseline<P>;
}

/** A scenario without tunnel: workers that measure by themselves. */
export interface WorkerScenario<P extends BenchParams = BenchParams> extends ScenarioBase<P> {
  readonly kind: 'worker';
  /** Name of the subject in the report. */
  readonly subject: string;
  /** Whether the code measured is that of the tree under test, so that `--against` has two sides. */
  readonly comparable: boolean;
  /** Whether it runs over a link for UDP of its own. */
  readonly ownLink?: boolean;
  /** Starts what is measured; gives a function that does one run. */
  open(context: BedContext, params: P): Promise<OpenWorker<P>>;
}

/** What measures by itself, started. */
export interface OpenWorker<P extends BenchParams = BenchParams> {
  /** One run, with the parameters that it was opened with, or with those of the warm-up. */
  readonly measure: (params: P) => Promise<Measurement>;
  close(): Promise<void>;
  /** What is to be known beside the figures, such as what this machine lacks. */
  notes?(): string[];
  /** What every run is held against, in the same run; the base of `--against` is not. */
  readonly baseline?: MeasuredBeside<P>;
}

/** Something simpler that is measured beside a run. */
export interface MeasuredBeside<P extends BenchParams = BenchParams> {
  readonly name: string;
  /** One run of it, given what the subject just measured, and with what parameters. */
  readonly measure: (own: BenchFigures, params: P) => Promise<Measurement>;
  /** Figures of the subject that come from both, such as `ratio`. */
  readonly compare: (own: BenchFigures, baseline: BenchFigures) => BenchFigures;
}

/** Something simpler that is measured beside each run. */
export interface Baseline<P extends BenchParams> {
  readonly name: string;
  /** Starts it; the function does one run, given what the subject just measured, and with what parameters. */
  open(
    context: BedContext,
    lab: Lab,
    params: P,
  ): Promise<{ measure: (own: BenchFigures, params: P) => Promise<Measurement>; close(): Promise<void> }>;
  /** Figures of the subject that come from both, such as `ratio`. Default: the quotient of both `MBps`. */
  readonly compare?: (own: BenchFigures, baseline: BenchFigures) => BenchFigures;
}

export type Scenario = TunnelScenario | WorkerScenario;

/** Keeps the type of the parameters inside a scenario's file, and gives what the registry holds. */
export const tunnelScenario = <P extends BenchParams>(scenario: Omit<TunnelScenario<P>, 'kind'>): Scenario =>
  ({ ...scenario, kind: 'tunnel' }) as unknown as Scenario;

/** As {@link tunnelScenario}. */
export const workerScenario = <P extends BenchParams>(scenario: Omit<WorkerScenario<P>, 'kind'>): Scenario =>
  ({ ...scenario, kind: 'worker' }) as unknown as Scenario;

import type { BenchParams, BenchReport, BenchResult } from '@millrace/protocol';
import type { Scenario } from '../scenarios/scenario.js';
import type { BenchOptions } from './options.js';
import { variantKey } from './result.js';

/** A scenario with one set of parameters, and how often it is to run. */
export interface Variant {
  scenario: Scenario;
  params: BenchParams;
  runs: number;
  warmUps: number;
  /** How long it will take with all that stands beside it; undefined where nothing tells. */
  seconds?: number;
}

/** Starting and ending the processes of a variant. */
const SET_UP_SECONDS = 2;

/** Every variant that the options ask for, in order. Earlier reports, oldest first, tell how long each will take. */
export function planOf(scenarios: readonly Scenario[], options: BenchOptions, earlier: BenchReport[] = []): Variant[] {
  const size = { quick: options.quick, soakSeconds: options.soakSeconds, shaped: options.link !== undefined };
  return scenarios.flatMap((scenario) =>
    scenario.variants(size).map((params): Variant => {
      const runs = Math.min(options.runs, scenario.fewerRuns?.(params)?.most ?? Infinity);
      const cold = scenario.kind === 'tunnel' && scenario.cold === true;
      const warmUps = cold || runs === 1 ? 0 : options.warmUps;
      const each = earlierSeconds(scenario, params, options, earlier) ?? scenario.lasts?.(params);
      const seconds = each === undefined ? undefined : SET_UP_SECONDS + each * (runs + (scenario.warmUp ? 0 : warmUps));
      const variant: Variant = { scenario, params, runs, warmUps };
      if (seconds !== undefined) variant.seconds = seconds;
      return variant;
    }),
  );
}

/** What one run took with all that was beside it, in the newest report that has it. */
function earlierSeconds(
  scenario: Scenario,
  params: BenchParams,
  { peers, against, link }: BenchOptions,
  earlier: BenchReport[],
): number | undefined {
  // Over another link it is another time.
  if (link !== undefined) return undefined;
  const key = variantKey({ scenario: scenario.name, params });
  const results = earlier
    .toReversed()
    .map((report) => report.results.filter((result) => variantKey(result) === key))
    .find((found) => found.some(({ runSeconds }) => runSeconds !== undefined));
  if (!results) return undefined;
  const wanted = ({ subject, peer }: BenchResult): boolean => subject !== 'base' && (!peer || peers.includes(subject));
  const seconds = results.filter(wanted).reduce((sum, { runSeconds = 0 }) => sum + runSeconds, 0);
  return against === undefined ? seconds : 2 * seconds;
}

/** How long variants take, in words: `about 12 min`, and of how many nothing is known. */
export function timeText(variants: Variant[]): string {
  const seconds = variants.reduce((sum, variant) => sum + (variant.seconds ?? 0), 0);
  const unknown = variants.filter((variant) => variant.seconds === undefined).length;
  const about = seconds < 90 ? `about ${Math.ceil(seconds)} s` : `about ${Math.round(seconds / 60)} min`;
  if (unknown === 0) return about;
  const others = `${unknown} set${unknown === 1 ? '' : 's'} of parameters not measured before`;
  return seconds === 0 ? others : `${about}, and ${others}`;
}

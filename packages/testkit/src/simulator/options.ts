import { numberOf, OptionReader, rangeOf, type NumberRange } from './check.js';
import { SimulatorError } from './error.js';
import type { Delay, FaultOdds, LegOptions, LinkOptions, RefusalWindow, SimulatorSettings } from './types.js';

/** A leg with its defaults. */
export interface ResolvedLeg {
  readonly up: Required<LinkOptions>;
  readonly down: Required<LinkOptions>;
}

/** Settings with their defaults, `account` excepted: without one, the account is the simulator's own. */
export interface ResolvedSettings extends Required<
  Omit<SimulatorSettings, 'account' | 'clientLeg' | 'nodeLeg' | 'faults'>
> {
  readonly account: string | undefined;
  readonly clientLeg: ResolvedLeg;
  readonly nodeLeg: ResolvedLeg;
  readonly faults: Required<FaultOdds>;
}

/** Names of everything that may happen to a request, in the order in which it is drawn. */
export const FAULT_NAMES = [
  'requestLost',
  'requestRefused',
  'requestReset',
  'responseLost',
  'responseReset',
  'responseEmpty',
  'responseTruncated',
  'responseHtml',
  'doubled',
  'late',
  'reordered',
] as const satisfies ReadonlyArray<keyof FaultOdds>;

const SETTING_NAMES = [
  'seed',
  'textOnly',
  'clientLeg',
  'nodeLeg',
  'faults',
  'doubledGapMs',
  'lateMs',
  'reorderMs',
  'silenceMs',
  'slowFactor',
  'windows',
  'account',
  'concurrency',
  'dailyRequests',
  'dayMs',
  'redirects',
] as const satisfies ReadonlyArray<keyof SimulatorSettings>;

/** Longer delays than this are no relay any more. */
const DELAY_MS: NumberRange = { least: 0, most: 600_000 };
const RATE_MBPS: NumberRange = { least: 0.01, most: 100_000 };
const PROBABILITY: NumberRange = { least: 0, most: 1 };
const SEED: NumberRange = { least: 0, most: 0xffff_ffff, whole: true };
const COUNT: NumberRange = { least: 0, most: 1_000_000_000, whole: true };
const STATUS: NumberRange = { least: 400, most: 599, whole: true };
const MS: NumberRange = { least: 0, most: 1_000_000_000_000 };
const MOST_WINDOWS = 1_000;
const DEFAULT_IDLE_MS = 300_000;
const DAY_MS = 86_400_000;
/** Room for the rounding of probabilities that add up to 1. */
const ROUNDING = 1e-9;

/**
 * Checks settings, as they come from a file, and fills in the defaults.
 *
 * @throws SimulatorError that names the option.
 */
export function resolveSettings(value: unknown): ResolvedSettings {
  const options = new OptionReader(value, '', SETTING_NAMES);
  return {
    seed: options.number('seed', 1, SEED),
    textOnly: options.boolean('textOnly', false),
    clientLeg: legOf(options.get('clientLeg'), 'clientLeg'),
    nodeLeg: legOf(options.get('nodeLeg'), 'nodeLeg'),
    faults: oddsOf(options.get('faults') ?? {}),
    doubledGapMs: options.range('doubledGapMs', [0, 2_000], DELAY_MS),
    lateMs: options.range('lateMs', [10_000, 40_000], DELAY_MS),
    reorderMs: options.number('reorderMs', 500, DELAY_MS),
    silenceMs: options.number('silenceMs', 120_000, DELAY_MS),
    slowFactor: options.number('slowFactor', 1, { least: 1, most: 1_000 }),
    windows: options.list('windows', MOST_WINDOWS).map((window, index) => windowOf(window, `windows[${index}]`)),
    account: options.text('account'),
    concurrency: options.number('concurrency', 0, COUNT),
    dailyRequests: options.number('dailyRequests', 0, COUNT),
    dayMs: options.number('dayMs', DAY_MS, { ...MS, least: 1 }),
    redirects: options.number('redirects', 0, { least: 0, most: 5, whole: true }),
  };
}

function legOf(value: unknown = {}, path: string): ResolvedLeg {
  const leg = new OptionReader(value, path, ['up', 'down'] satisfies Array<keyof LegOptions>);
  return { up: linkOf(leg.get('up'), leg.at('up')), down: linkOf(leg.get('down'), leg.at('down')) };
}

function linkOf(value: unknown = {}, path: string): Required<LinkOptions> {
  const link = new OptionReader(value, path, ['delayMs', 'rateMbps'] satisfies Array<keyof LinkOptions>);
  const rate = link.get('rateMbps') ?? 0;
  return {
    delayMs: delayOf(link.get('delayMs') ?? { fixed: 0 }, link.at('delayMs')),
    rateMbps: rate === 0 ? 0 : numberOf(rate, link.at('rateMbps'), RATE_MBPS),
  };
}

function delayOf(value: unknown, path: string): Delay {
  const delay = new OptionReader(value, path, ['fixed', 'uniform', 'coldStart', 'warm', 'idleMs']);
  const kinds = ['fixed', 'uniform', 'coldStart'].filter((kind) => delay.get(kind) !== undefined);
  if (kinds.length !== 1) {
    throw new SimulatorError('CONFIG_INVALID', path, 'must have one of fixed, uniform and coldStart');
  }
  if (kinds[0] !== 'coldStart') {
    for (const key of ['warm', 'idleMs']) {
      if (delay.get(key) === undefined) continue;
      throw new SimulatorError('CONFIG_INVALID', delay.at(key), 'goes with coldStart only');
    }
    return kinds[0] === 'fixed'
      ? { fixed: delay.number('fixed', 0, DELAY_MS) }
      : { uniform: delay.range('uniform', [0, 0], DELAY_MS) };
  }
  const warm = delayOf(delay.get('warm') ?? { fixed: 0 }, delay.at('warm'));
  if ('coldStart' in warm) {
    throw new SimulatorError('CONFIG_INVALID', delay.at('warm'), 'must be fixed or uniform');
  }
  const coldStart = rangeOf(delay.get('coldStart'), delay.at('coldStart'), DELAY_MS);
  return { coldStart, warm, idleMs: delay.number('idleMs', DEFAULT_IDLE_MS, MS) };
}

function oddsOf(value: unknown): Required<FaultOdds> {
  const faults = new OptionReader(value, 'faults', FAULT_NAMES);
  const odds = Object.fromEntries(FAULT_NAMES.map((name) => [name, faults.number(name, 0, PROBABILITY)]));
  const sum = Object.values(odds).reduce((total, odd) => total + odd, 0);
  if (sum > 1 + ROUNDING) {
    throw new SimulatorError(
      'CONFIG_INVALID',
      'faults',
      `add up to ${sum}; at most one happens to a request, so 1 is the most`,
    );
  }
  return odds as Required<FaultOdds>;
}

function windowOf(value: unknown, path: string): RefusalWindow {
  const names = ['status', 'retryAfterSeconds', 'fromMs', 'toMs', 'fromRequest', 'toRequest'];
  const window = new OptionReader(value, path, names);
  const status = numberOf(window.get('status'), window.at('status'), STATUS);
  const after = window.get('retryAfterSeconds');
  const retry =
    after === undefined
      ? {}
      : { retryAfterSeconds: numberOf(after, window.at('retryAfterSeconds'), { ...COUNT, most: 999_999 }) };
  const byTime = window.get('fromMs') !== undefined || window.get('toMs') !== undefined;
  const byCount = window.get('fromRequest') !== undefined || window.get('toRequest') !== undefined;
  if (byTime === byCount) {
    throw new SimulatorError('CONFIG_INVALID', path, 'must have either fromMs and toMs, or fromRequest and toRequest');
  }
  const [from, to, range] = byTime ? (['fromMs', 'toMs', MS] as const) : (['fromRequest', 'toRequest', COUNT] as const);
  const bounds = [numberOf(window.get(from), window.at(from), range), numberOf(window.get(to), window.at(to), range)];
  const [low = 0, high = 0] = bounds;
  if (high <= low) throw new SimulatorError('CONFIG_INVALID', window.at(to), `must be more than ${from}`);
  return byTime
    ? { status, ...retry, fromMs: low, toMs: high }
    : { status, ...retry, fromRequest: low, toRequest: high };
}

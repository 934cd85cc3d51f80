import type { BenchCeiling } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { scenarios } from '../scenarios/index.js';
import { UDP_LINKS } from '../udp/udp-ceiling.js';
import { SIMULATOR } from './ceiling.js';
import { parseOptions } from './options.js';
import { resultOf } from './result.js';

const ceiling = (link: string): BenchCeiling => ({ link, rttMs: 0, rateMbps: 0, lossPercent: 0, MBps: 100 });
const ceilings = [SIMULATOR, UDP_LINKS.kernel, 'client leg'].map(ceiling);

/** What limits a scenario that came to this speed. */
function limitedBy(name: string, MBps: number, args: string[] = []): string | undefined {
  const scenario = scenarios.find((one) => one.name === name)!;
  const options = parseOptions(args);
  const [params] = scenario.variants({ quick: false, soakSeconds: 1, shaped: false });
  const one = { subject: 'millrace', ours: true, runs: [{ MBps }], problems: [], notes: [], seconds: 1 };
  return resultOf(scenario, params!, one, options, ceilings).limitedBy;
}

test.each([
  ['relay-unequal', [], SIMULATOR],
  ['udp-loss', [], 'the kernel link for UDP'],
  ['relay-download', ['--rtt', '1'], 'the client leg'],
])('%s with %j comes above half of what its link carries: that is said', (name, args, expected) => {
  expect(limitedBy(name, 51, args)).toBe(expected);
  expect(limitedBy(name, 49, args)).toBeUndefined();
});

test('as text the simulator carries three quarters', () => {
  expect(limitedBy('relay-lossy', 38)).toBe(SIMULATOR);
  expect(limitedBy('relay-lossy', 37)).toBeUndefined();
});

test('what goes over no link is limited by none', () => {
  expect(limitedBy('relay-download', 1000)).toBeUndefined();
  expect(limitedBy('udp-pipeline', 1000, ['--rtt', '1'])).toBeUndefined();
});

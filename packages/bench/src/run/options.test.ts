import { expect, test } from 'vitest';
import { BenchError } from '../errors.js';
import { helpText, listText, parseOptions } from './options.js';

test('five runs after a warm-up are the rule, one without it the quick way', () => {
  expect(parseOptions([])).toMatchObject({ quick: false, runs: 5, warmUps: 1, soakSeconds: 600 });
  expect(parseOptions(['--quick'])).toMatchObject({ quick: true, runs: 1, warmUps: 0, soakSeconds: 3 });
});

test('a link is asked for by any of its three properties', () => {
  expect(parseOptions(['--rtt', '200', '--rate', '100']).link).toEqual({ rttMs: 200, rateMbps: 100, lossPercent: 0 });
  expect(parseOptions([]).link).toBeUndefined();
});

test('a link of the kernel is one even without delay, rate and loss', () => {
  const { link, kernel } = parseOptions(['--link', 'kernel']);
  expect([link, kernel]).toEqual([{ rttMs: 0, rateMbps: 0, lossPercent: 0 }, true]);
  expect(parseOptions(['--rtt', '5']).kernel).toBe(false);
});

test('"all" stands for every peer', () => {
  expect(parseOptions(['--peer', 'all']).peers).toContain('haproxy');
  expect(parseOptions(['--peer', 'ssh', '--peer', 'ssh']).peers).toEqual(['ssh']);
});

test('drawing what is kept needs what is kept, and a place to draw it', () => {
  expect(parseOptions(['--render', '--history', 'a', '--html', 'b']).render).toBe(true);
  expect(() => parseOptions(['--render', '--html', 'b'])).toThrow('--history');
});

test.each([
  [['--scenario', 'nothing']],
  [['--peer', 'nothing']],
  [['--runs', '0']],
  [['--loss', '99']],
  [['--link', 'wireless']],
  [['--quik']],
  [['--quick', '--write-docs']],
  [['stray']],
])('%j is refused', (args) => {
  expect(() => parseOptions(args)).toThrow(BenchError);
});

test('help and list name every option, scenario and peer', () => {
  expect(helpText()).toContain('--against GITREF|FOLDER');
  expect(listText()).toContain('relay-download');
  expect(listText()).toContain('haproxy');
});

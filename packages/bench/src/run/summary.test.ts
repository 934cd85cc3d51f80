import { expect, test } from 'vitest';
import { reaches, summarize } from './summary.js';

test('median and spread are over the runs, processes by their role', () => {
  const runs = [1, 2, 9].map((MBps) => ({
    MBps,
    processes: [{ role: 'node', cpuSeconds: MBps, peakMemoryMiB: 10 * MBps }],
  }));
  const { median, spread } = summarize(runs);
  expect(median).toEqual({ MBps: 2, processes: [{ role: 'node', cpuSeconds: 2, peakMemoryMiB: 20 }] });
  expect(spread).toEqual({ MBps: 200 });
});

test('a target is reached when every bound holds; a figure that is missing reaches nothing', () => {
  const target = { figure: 'jain', atLeast: 0.95, also: [{ figure: 'ratio', atLeast: 1 }], text: '' };
  expect(reaches({ jain: 0.96, ratio: 1.1 }, target)).toBe(true);
  expect(reaches({ jain: 0.96, ratio: 0.9 }, target)).toBe(false);
  expect(reaches({ jain: 0.96 }, target)).toBe(false);
  expect(reaches({ jain: NaN, ratio: 2 }, target)).toBe(false);
});

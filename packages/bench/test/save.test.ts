import type { BenchReport } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { parseOptions } from '../src/run/options.js';
import { runBench, type Display } from '../src/run/run-bench.js';

/** It runs a dozen processes; a machine that does much else takes its time. */
const TIMEOUT_MS = 120_000;

test(
  'what was measured is handed over after each scenario, so that an end in the middle of a later one takes nothing of it',
  async () => {
    const saved: BenchReport[] = [];
    const said: string[] = [];
    const display: Display = {
      say: (line) => said.push(line),
      results: () => undefined,
      progress: ({ scenario }) => {
        if (scenario === 'direct') throw new Error('interrupted');
      },
    };
    const args = ['--quick', '--scenario', 'half-close', '--scenario', 'direct'];
    const options = parseOptions(args);
    const save = (report: BenchReport): Promise<void> => {
      saved.push(report);
      return Promise.resolve();
    };
    const report = await runBench(options, { args, display, save });
    const names = saved.map(({ results }) => [...new Set(results.map(({ scenario }) => scenario))]);
    expect(names).toEqual([['half-close'], ['half-close', 'direct']]);
    const [first] = saved;
    expect(first?.verified).toBe(true);
    expect(first?.results.every(({ runSeconds = 0 }) => runSeconds > 0)).toBe(true);
    expect(report.results.flatMap(({ problems }) => problems).join()).toContain('interrupted');
    expect(said[0]).toMatch(/^4 sets of parameters: /);
    expect(said[1]).toMatch(/^1 of 4 done; left: /);
  },
  TIMEOUT_MS,
);

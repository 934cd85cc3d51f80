import type { BenchFigures, BenchProcess, BenchTarget } from '@millrace/protocol';
import { median, spreadPercent } from './statistics.js';

/** Names of the figures that are single numbers. */
type NumericFigure = {
  [K in keyof BenchFigures]-?: NonNullable<BenchFigures[K]> extends number ? K : never;
}[keyof BenchFigures];

/** Median and spread of each figure, and the median of each process, over the runs. */
export function summarize(runs: BenchFigures[]): { median: BenchFigures; spread: BenchFigures } {
  const names = new Set(runs.flatMap((run) => Object.keys(run)));
  const middle: BenchFigures = {};
  const spread: BenchFigures = {};
  for (const name of names) {
    if (name === 'timelineBinMs') continue;
    const values = runs.map((run) => run[name as NumericFigure]).filter((value) => typeof value === 'number');
    if (values.length === 0) continue;
    middle[name as NumericFigure] = median(values);
    spread[name as NumericFigure] = spreadPercent(values);
  }
  const processes = medianProcesses(runs);
  if (processes.length > 0) middle.processes = processes;
  return { median: middle, spread };
}

const PROCESS_FIGURES = ['cpuSecondsPerGB', 'peakMemoryMiB', 'garbageCollections', 'garbageCollectionMs'] as const;

function medianProcesses(runs: BenchFigures[]): BenchProcess[] {
  const roles = new Set(runs.flatMap(({ processes = [] }) => processes.map(({ role }) => role)));
  return [...roles].map((role) => {
    const same = runs.flatMap(({ processes = [] }) => processes.filter((process) => process.role === role));
    const middle: BenchProcess = { role, cpuSeconds: median(same.map(({ cpuSeconds }) => cpuSeconds)) };
    for (const name of PROCESS_FIGURES) {
      const values = same.map((process) => process[name]).filter((value) => value !== undefined);
      if (values.length > 0) middle[name] = median(values);
    }
    return middle;
  });
}

/** Whether figures reach the target with all its bounds; a figure that is missing does not. */
export function reaches(figures: BenchFigures, target: BenchTarget): boolean {
  return [target, ...(target.also ?? [])].every(({ figure, atLeast = -Infinity, atMost = Infinity }) => {
    const value = figures[figure as NumericFigure];
    return value !== undefined && value >= atLeast && value <= atMost;
  });
}

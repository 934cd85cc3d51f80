import type { BenchResult } from '@millrace/protocol';
import type { Display } from '../run/run-bench.js';
import type { Progress } from '../run/run-scenario.js';
import { LiveTable } from './live-table.js';
import { paramsText, short, tableOf } from './table.js';

/** Where lines go: standard output, or a test's list. */
export interface Screen {
  write(text: string): void;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Size of a terminal that does not tell its own. */
const [ROWS, COLUMNS] = [24, 80];

/** Goes to the beginning of a line some lines further up, and removes all from there on. */
const back = (lines: number): string => `\u001B[${lines}A\r\u001B[J`;

/** Shows progress: in a terminal a table that is drawn anew after every run, elsewhere a line for each run. */
export function createDisplay(screen: Screen): Display {
  const live = screen.isTTY === true;
  const table = new LiveTable();
  let drawn = 0;
  const clear = (): void => {
    if (drawn > 0) screen.write(back(drawn));
    drawn = 0;
  };
  const draw = (): void => {
    // What does not fit would scroll away, and could not be removed any more.
    const lines = [table.title, ...tableText(table.cells()).split('\n')].slice(1 - Math.max(2, screen.rows || ROWS));
    screen.write(lines.map((line) => `${line.slice(0, (screen.columns || COLUMNS) - 1)}\n`).join(''));
    drawn = lines.length;
  };
  return {
    say: (line) => {
      clear();
      screen.write(`${line}\n`);
    },
    progress: (progress) => {
      if (!live) return screen.write(`${progressLine(progress)}\n`);
      clear();
      table.add(progress);
      draw();
    },
    results: (results) => {
      clear();
      table.clear();
      screen.write(`${tableText(tableOf(results))}\n`);
      for (const { subject, problems, notes = [] } of results) {
        for (const note of notes) screen.write(`  ${subject}: ${note}\n`);
        for (const problem of problems) screen.write(`  WRONG ${subject}: ${problem}\n`);
      }
      screen.write('\n');
    },
  };
}

function progressLine({ scenario, params, subject, run, of, figures, problems }: Progress): string {
  const which = run === 0 ? 'warm-up' : `run ${run} of ${of}`;
  const { MBps, firstByteMsP50, latencyMsP50, streamsPerSecond, operationsPerSecond, cpuNsPerPacket } = figures;
  const figure =
    MBps !== undefined
      ? `${short(MBps)} MB/s`
      : cpuNsPerPacket !== undefined
        ? `${short(cpuNsPerPacket)} ns a packet`
        : streamsPerSecond !== undefined || operationsPerSecond !== undefined
          ? `${short(streamsPerSecond ?? operationsPerSecond)} a second`
          : `${short(firstByteMsP50 ?? latencyMsP50)} ms`;
  const result = problems.length > 0 ? `WRONG: ${problems[0]}` : figure;
  return `${scenario} (${paramsText(params)}), ${subject}, ${which}: ${result}`;
}

/** Cells as text in columns. */
export function tableText(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What a run says last: verdict and what fell short. */
export function closingText(results: BenchResult[]): string {
  const wrong = results.filter(({ verified, peer }) => !verified && !peer);
  const short = results.filter(({ reached }) => reached === false);
  const lines = short.map(
    ({ scenario, params, target }) => `not reached: ${scenario} (${paramsText(params)}): ${target?.text ?? ''}`,
  );
  for (const { subject, scenario, verified, peer } of results) {
    if (peer && !verified) lines.push(`${subject} delivered wrong bytes, or none, in ${scenario}`);
  }
  lines.push(
    wrong.length === 0 ? 'every byte of ours was right' : `${wrong.length} of ${results.length} results are WRONG`,
  );
  return lines.join('\n');
}

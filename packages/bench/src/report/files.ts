import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../errors.js';
import type { BenchReport } from '@millrace/protocol';

/** Digits that a figure keeps in a file: more than any run repeats. */
const DIGITS = 5;

/** Writes a report, with figures of five digits. The file may be anything that can be written to. */
export async function writeJson(file: string, report: BenchReport): Promise<void> {
  await writeFile(file, reportText(report));
}

/** Writes a regular file so that nobody ever reads a part of it: it may be read by another run beside this one. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, text);
  await rename(part, file);
}

/** A list of numbers that `JSON.stringify` has spread over many lines. */
const NUMBERS = /\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]/g;

/** The text of a report file: indented, lists of numbers on one line each. */
export function reportText(report: BenchReport): string {
  const text = JSON.stringify(report, round, 2);
  return `${text.replace(NUMBERS, (_, list: string) => `[${list.replaceAll(/\s+/g, ' ')}]`)}\n`;
}

/** Reads earlier reports, of folders all that are there, oldest first. @throws BenchError `REPORT` naming a file that is no report. */
export async function readReports(paths: string[]): Promise<BenchReport[]> {
  const files = await Promise.all(
    paths.map(async (path) => {
      if (!(await stat(path)).isDirectory()) return [path];
      return (await readdir(path)).filter((name) => name.endsWith('.json')).map((name) => join(path, name));
    }),
  );
  const reports = await Promise.all(
    files.flat().map(async (file) => {
      const report = JSON.parse(await readFile(file, 'utf8')) as BenchReport;
      if (report.format !== 'millrace-bench-1')
        throw new BenchError('REPORT', `${file} is no report of this benchmark`);
      return report;
    }),
  );
  return reports.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}

/** What is no number has no place in a file; JSON would turn it into null. */
function round(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : undefined;
}

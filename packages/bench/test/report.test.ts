import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { BenchReport } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { pageOf } from '../src/report/docs.js';
import { readReports, reportText, writeWhole } from '../src/report/files.js';
import { htmlReport } from '../src/report/html.js';
import { mergedReport } from '../src/report/newest.js';
import { paramsText, short, tableOf, verdict } from '../src/report/table.js';
import { createDisplay, tableText } from '../src/report/terminal.js';
import { sampleReport } from './sample-report.js';

const schema = JSON.parse(
  readFileSync(new URL('../../../schemas/bench-report.schema.json', import.meta.url), 'utf8'),
) as object;
const validate = new Ajv({ allowUnionTypes: true }).compile(schema);

test('a report is what its schema says', () => {
  expect(validate(JSON.parse(reportText(sampleReport()))), JSON.stringify(validate.errors)).toBe(true);
});

test('a report without the figures of a run is refused by the schema', () => {
  const report = JSON.parse(reportText(sampleReport())) as BenchReport;
  const [{ runs: _, ...rest }] = report.results as [BenchReport['results'][number]];
  expect(validate({ ...report, results: [rest] })).toBe(false);
});

test('figures that are no numbers are left out of a file, never written as null', () => {
  const report = sampleReport();
  report.results[0]!.median.ratio = NaN;
  expect(reportText(report)).not.toContain('null');
});

test('the page of the docs shows the newest of each scenario, and earlier ones in a line each', () => {
  const [older, newer] = [sampleReport('2026-01-01T00:00:00.000Z', 41), sampleReport()];
  newer.results = newer.results.filter(({ scenario }) => scenario === 'relay-download');
  const page = pageOf([older, newer]);
  const [shown = '', earlier = ''] = page.split('## Earlier');
  expect(shown.match(/^### relay-download$/gm)).toHaveLength(1);
  // What the newer report lacks is still that of the older one.
  expect(shown.match(/^### udp-batch$/gm)).toHaveLength(1);
  expect(shown.indexOf('### relay-download')).toBeLessThan(shown.indexOf('### udp-batch'));
  expect(earlier).toMatch(
    /\| 2026-01-01 \| 01c0ffee \| relay-download .* \| ratio 0.41 \(5 runs\) \| ratio at least 0.5 \|/,
  );
  expect(earlier).not.toContain('udp-batch');
});

test('the page begins with what is to be reached and what was found', () => {
  const page = pageOf([sampleReport()]);
  const [, targets = ''] = page.split('## Targets');
  expect(targets).toMatch(/\| relay-download .* \| ratio 0.41 \(5 runs\) \| ratio at least 0.5 \| not reached \|/);
  expect(targets).toMatch(/\| udp-batch .* \| costRatio 0.04 \(3 runs\) \| costRatio at most 0.125 \| reached \|/);
});

test('a report that is one of the earlier ones is no further point of their history', () => {
  const [older, newer] = [sampleReport('2026-01-01T00:00:00.000Z', 41), sampleReport()];
  const points = (html: string): number =>
    /<polyline points="([^"]*)"/.exec(html.split('<h2>History')[1] ?? '')?.[1]?.split(' ').length ?? 0;
  expect(points(htmlReport(newer, [older]))).toBe(2);
  expect(points(htmlReport(mergedReport([older, newer]), [older, newer]))).toBe(2);
});

test('a report that is written again takes its own place, and leaves nothing beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-files-'));
  try {
    const report = sampleReport();
    await writeWhole(join(folder, 'a.json'), reportText({ ...report, results: report.results.slice(0, 1) }));
    await writeWhole(join(folder, 'a.json'), reportText(report));
    expect(await readdir(folder)).toEqual(['a.json']);
    const [read] = await readReports([folder]);
    expect(read?.results).toHaveLength(report.results.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('reports become one of the newest results, in the order of the scenarios', () => {
  const [older, newer] = [sampleReport('2026-01-01T00:00:00.000Z', 41), sampleReport()];
  newer.results = newer.results.filter(({ scenario }) => scenario === 'udp-batch');
  const merged = mergedReport([older, newer]);
  expect(merged.commit).toBe(newer.commit);
  expect([...new Set(merged.results.map(({ scenario }) => scenario))]).toEqual([
    'relay-download',
    'udp-pipeline',
    'udp-batch',
  ]);
  expect(merged.results.find(({ scenario }) => scenario === 'relay-download')).toEqual(older.results[0]);
  expect(validate(JSON.parse(reportText(merged)))).toBe(true);
  expect(() => mergedReport([])).toThrow('no report');
});

test('the page of the docs is a function of its reports alone, the newest first', () => {
  const reports = [sampleReport('2026-01-01T00:00:00.000Z', 41), sampleReport()];
  const page = pageOf(reports);
  expect(page).toBe(pageOf(JSON.parse(JSON.stringify(reports)) as BenchReport[]));
  expect(page).toBe(pageOf(reports.map((report) => JSON.parse(reportText(report)) as BenchReport)));
  expect(page.indexOf('2026-02-03')).toBeLessThan(page.indexOf('2026-01-01'));
  expect(page).toContain('npm run bench -- --peer ssh');
});

test('the page shows what every process cost, what is to be known beside figures, and what a peer did wrong', () => {
  const report = sampleReport();
  const peer = report.results.find((result) => result.peer);
  Object.assign(peer!, { verified: false, problems: ['run 1: stream 3: 7 bytes are missing'] });
  const page = pageOf([report]);
  expect(page).toMatch(/\| millrace \| client [\d.]+ \/ 90, relay [\d.]+ \/ 110/);
  expect(page).toContain('- base: this tree does not know level');
  expect(page).toContain('- ssh: run 1: stream 3: 7 bytes are missing');
});

test('what is to be known stands below the table in a terminal', () => {
  const written: string[] = [];
  createDisplay({ write: (text) => written.push(text) }).results(sampleReport().results);
  expect(written).toContain('  base: this tree does not know level\n');
});

test('ratios stand before speeds in a table', () => {
  const [head] = tableOf(sampleReport().results);
  expect(head!.indexOf('ratio')).toBeLessThan(head!.indexOf('MB/s'));
});

test('a result with wrong bytes shows no figure', () => {
  const [result] = sampleReport().results;
  const [head, row] = tableOf([{ ...result!, verified: false }, result!]);
  expect(row![head!.indexOf('MB/s')]).toBe('');
  expect(row!.at(-1)).toBe('WRONG');
});

test('wrong bytes stand above a target that was reached', () => {
  const [result] = sampleReport().results;
  expect(verdict({ ...result!, verified: false, reached: true })).toBe('WRONG');
  expect(verdict({ ...result!, reached: true, limitedBy: 'the shaper of the link' })).toBe(
    'reached (limited by the shaper of the link)',
  );
});

test.each([
  [0.0123456, '0.0123'],
  [12.345, '12.3'],
  [1234.5, '1,235'],
  [undefined, ''],
  [NaN, ''],
])('%s is shown as %j', (value, text) => {
  expect(short(value)).toBe(text);
});

test('sizes among parameters are shown in binary units', () => {
  expect(paramsText({ level: 1, encoding: 'text', streams: 4, bytes: 16 * 2 ** 20 })).toBe(
    'level 1, text, streams 4, bytes 16 MiB',
  );
});

test.each([
  [1200, '1,200'],
  [500, '500'],
  [4096, '4 KiB'],
])('a size of %i bytes is shown as %j', (bytes, text) => {
  expect(paramsText({ packetBytes: bytes })).toBe(`packetBytes ${text}`);
});

test('costs and heap of packets stand in the table, a cost that is not known stays out', () => {
  const [result] = sampleReport().results;
  const median = {
    MBps: 600,
    sendCpuNsPerPacket: 1403,
    sendCostRatio: 0.1209,
    receiveCpuNsPerPacket: 1071,
    receiveCostRatio: NaN,
    sendHeapBytesPerPacket: 12,
    receiveHeapBytesPerPacket: 3.456,
  };
  const [head, row] = tableOf([{ ...result!, median }]);
  const cell = (title: string): string | undefined => row![head!.indexOf(title)];
  expect(cell('send ns / cost')).toBe('1,403 / 0.121×');
  expect(cell('receive ns / cost')).toBe('1,071');
  expect(cell('heap B sent/received')).toBe('12 / 3.46');
  expect(head).not.toContain('calls per 1,000');
});

test('columns of a table line up', () => {
  const lines = tableText([
    ['a', 'b', 'c'],
    ['long', 'x', '10'],
  ]).split('\n');
  expect(lines).toEqual(['a     b   c', 'long  x  10']);
});

const progress = {
  scenario: 'direct',
  params: { encoding: 'bytes' },
  subject: 'millrace',
  run: 1,
  of: 5,
  figures: { MBps: 12 },
  problems: [],
  span: { startMs: 0, endMs: 1000 },
};

test('elsewhere than in a terminal every run is a line of its own', () => {
  const written: string[] = [];
  createDisplay({ write: (text) => written.push(text) }).progress(progress);
  expect(written).toEqual(['direct (bytes), millrace, run 1 of 5: 12 MB/s\n']);
});

/** What a terminal shows after all that was written: lines, with the cursor going up and removing what is below it. */
function shownOf(written: string): string[] {
  const lines = [''];
  for (const piece of written.split('\u001B[')) {
    const up = /^(\d+)A\r$/.exec(piece)?.[1];
    if (up !== undefined) {
      lines.splice(lines.length - 1 - Number(up), Infinity, '');
      continue;
    }
    for (const [i, text] of piece.replace(/^J/, '').split('\n').entries()) {
      if (i > 0) lines.push('');
      lines[lines.length - 1] += text;
    }
  }
  return lines;
}

test('in a terminal a table of what was measured so far is drawn anew after every run', () => {
  const written: string[] = [];
  const display = createDisplay({ write: (text) => written.push(text), isTTY: true, columns: 100, rows: 30 });
  const shown = (): string[] => shownOf(written.join(''));
  display.progress({ ...progress, run: 0 });
  expect(shown()).toEqual([
    'direct bytes',
    'subject   so far   MB/s  spread %',
    'millrace  warm-up    12         0',
    '',
  ]);
  display.progress({ ...progress, subject: 'plain pipe', figures: { MBps: 30 } });
  display.progress(progress);
  display.progress({ ...progress, run: 2, figures: { MBps: 16 } });
  expect(shown()).toEqual([
    'direct bytes',
    'subject     so far      MB/s  spread %',
    'millrace    run 2 of 5    14      14.3',
    'plain pipe  run 1 of 5    30         0',
    '',
  ]);
  display.progress({ ...progress, run: 3, problems: ['a wrong byte'] });
  expect(shown()[2]).toMatch(/^millrace +WRONG, run 3 of 5/);
  display.progress({ ...progress, params: { encoding: 'text' } });
  expect(shown().slice(0, 3)).toEqual([
    'direct text',
    'subject   so far      MB/s  spread %',
    'millrace  run 1 of 5    12         0',
  ]);
  display.say('a line that stays');
  expect(shown()).toEqual(['a line that stays', '']);
});

test('a live table is cut to the size of its terminal, and is gone once there are results', () => {
  const written: string[] = [];
  const display = createDisplay({ write: (text) => written.push(text), isTTY: true, columns: 12, rows: 2 });
  display.progress(progress);
  expect(shownOf(written.join(''))).toEqual(['millrace  r', '']);
  display.results([]);
  expect(shownOf(written.join('')).join('')).toBe('scenario  subject  spread %  result');
});

import type { BenchReport, BenchResult } from '@millrace/protocol';
import { scenarios } from '../scenarios/index.js';
import { element, escape } from './charts/markup.js';
import { historyCards, scenarioCharts } from './sections.js';
import { STYLE } from './style.js';
import { paramsText, tableOf, verdict } from './table.js';

/** Problems of one subject that are shown: with the first ones the others are of no use. */
const SHOWN_PROBLEMS = 3;

/** The report as one HTML file that needs nothing else: no script, no network. Earlier reports draw the history. */
export function htmlReport(report: BenchReport, earlier: BenchReport[] = []): string {
  const names = [...new Set(report.results.map(({ scenario }) => scenario))];
  const history = earlier.length > 0 ? historyCards([...earlier, report]) : '';
  const body = [
    header(report),
    ...names.map((name) =>
      section(
        name,
        report.results.filter(({ scenario }) => scenario === name),
      ),
    ),
    history === ''
      ? ''
      : `<section><h2>History</h2><p>The same scenario in earlier reports, oldest first.</p><div class="cards">${history}</div></section>`,
  ].join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace benchmarks, ${escape(report.startedAt.slice(0, 10))}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

function header(report: BenchReport): string {
  const { machine, quick, verified, results } = report;
  const reached = results.filter((result) => result.reached !== undefined);
  const badges = [
    verified ? badge('good', 'every byte verified') : badge('bad', 'WRONG BYTES'),
    quick ? badge('warn', 'quick sizes: figures mean nothing') : '',
    reached.length > 0
      ? badge(
          reached.every((result) => result.reached) ? 'good' : 'warn',
          `${reached.filter((result) => result.reached).length} of ${reached.length} targets reached`,
        )
      : '',
  ];
  const facts = [
    ['started', report.startedAt.replace('T', ' ').slice(0, 16)],
    ['took', `${Math.round(report.seconds)} s`],
    ['commit', report.commit?.slice(0, 12) ?? 'not in a repository'],
    ...(report.against === undefined ? [] : [['against', report.against]]),
    ['Millrace', report.version],
    ['Node', machine.node],
    ['machine', `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB`],
    ['system', machine.system],
    ...report.ceilings.map(({ link, MBps, rttMs, rateMbps, lossPercent }) => [
      link,
      `${rttMs} ms, ${rateMbps === 0 ? 'any rate' : `${rateMbps} Mbit/s`}, ${lossPercent} % lost; by itself ${Math.round(MBps)} MB/s`,
    ]),
    ...report.missing.map(({ peer, install }) => [`${peer} is missing`, install]),
  ];
  const list = facts.map(([name = '', value = '']) =>
    element('div', {}, element('b', {}, escape(name)), escape(value)),
  );
  return `<header><h1>Millrace benchmarks</h1><p>${badges.join(' ')}</p><div class="facts">${list.join('')}</div></header>`;
}

const badge = (kind: string, text: string): string => element('span', { class: `badge ${kind}` }, escape(text));

function section(name: string, results: BenchResult[]): string {
  const about = scenarios.find((scenario) => scenario.name === name)?.about ?? '';
  const target = results.find((result) => result.target)?.target;
  const problems = results.flatMap(({ subject, problems: list }) => {
    const more = list.length > SHOWN_PROBLEMS ? [`and ${list.length - SHOWN_PROBLEMS} more, which the JSON has`] : [];
    return [...list.slice(0, SHOWN_PROBLEMS), ...more].map((text) => element('li', {}, escape(`${subject}: ${text}`)));
  });
  const notes = results.flatMap(({ subject, notes: list = [] }) =>
    list.map((note) => element('li', {}, escape(`${subject}: ${note}`))),
  );
  return [
    `<section id="${escape(name)}"><h2>${escape(name)}</h2>`,
    `<p>${escape(about)}${target ? `. To reach: ${escape(target.text)}` : ''}</p>`,
    problems.length > 0 ? `<ul class="problems">${problems.join('')}</ul>` : '',
    notes.length > 0 ? `<ul class="notes">${notes.join('')}</ul>` : '',
    table(results),
    `<div class="cards">${scenarioCharts(results)}</div>`,
    '</section>',
  ].join('\n');
}

/** The table of one scenario: its parameters, and the verdict where it is seen without scrolling. */
function table(results: BenchResult[]): string {
  const [head = [], ...rows] = tableOf(results);
  const lines = rows.map((row, i) => {
    const result = results[i];
    if (!result) return '';
    const own = result.subject === 'millrace' || result.target !== undefined;
    const first = element('td', {}, escape(paramsText(result.params)));
    const verdictCell = element('td', { class: verdictKind(result) }, escape(verdict(result)));
    return element(
      'tr',
      own ? {} : { class: 'other' },
      first,
      cells('td', row.slice(1, 2)),
      verdictCell,
      cells('td', row.slice(2, -1)),
    );
  });
  const heading = ['parameters', 'subject', 'result', ...head.slice(2, -1)];
  return `<div class="scroll"><table><thead><tr>${cells('th', heading)}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
}

function verdictKind(result: BenchResult): string {
  const text = verdict(result);
  if (text === 'WRONG') return 'bad';
  return text.startsWith('not reached') ? 'warn' : 'good';
}

const cells = (tag: string, row: string[]): string => row.map((cell) => element(tag, {}, escape(cell))).join('');

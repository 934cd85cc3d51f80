import { errorText, type LiveRelay, type LiveReport } from '../live/index.js';

const COLUMNS: ReadonlyArray<readonly [string, (relay: LiveRelay) => string]> = [
  ['level', ({ level }) => (level === undefined ? '-' : String(level))],
  ['latency p50', ({ latencyMsP50 }) => milliseconds(latencyMsP50)],
  ['max', ({ latencyMsMax }) => milliseconds(latencyMsMax)],
  ['down', ({ downloadMBps }) => rate(downloadMBps)],
  ['up', ({ uploadMBps }) => rate(uploadMBps)],
  ['requests', ({ requests }) => String(requests)],
  ['on the wire', ({ wireBytes }) => bytes(wireBytes)],
  ['per request', ({ payloadBytesPerRequest: of }) => (of === undefined ? '-' : bytes(of))],
];

/**
 * What was found, as a table with a line for each relay, what failed, what it cost, and what to change. `labels` name the
 * relays, `quotas` tell the cost by account.
 */
export function liveTable(
  { relays, requests, advice }: LiveReport,
  labels: readonly string[],
  quotas: readonly string[],
): string {
  const rows = [
    ['relay', ...COLUMNS.map(([name]) => name)],
    ...relays.map((relay, index) => [labels[index] ?? relay.relay, ...COLUMNS.map(([, text]) => text(relay))]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const failures = relays.flatMap(({ errors }, index) =>
    errors.map((error) => `  ${labels[index] ?? ''}: ${error.part} failed: ${errorText(error)}`),
  );
  return [
    ...lines,
    ...(failures.length > 0 ? ['', 'What failed:', ...failures] : []),
    '',
    `It cost ${requests} requests in all.`,
    ...quotas.map((line) => `  ${line}`),
    ...(advice.length > 0 ? ['', 'What to change:', ...advice.map((line) => `  ${line}`)] : []),
  ].join('\n');
}

/** What one relay was found to be, in one line. */
export function liveLine(relay: LiveRelay): string {
  if (!relay.works) return 'does not work';
  const parts = [
    `latency ${milliseconds(relay.latencyMsP50)}`,
    ...(relay.downloadMBps === undefined ? [] : [`down ${rate(relay.downloadMBps)}`]),
    ...(relay.uploadMBps === undefined ? [] : [`up ${rate(relay.uploadMBps)}`]),
    `${relay.requests} requests`,
  ];
  return parts.join(', ');
}

/** `4 MiB`, `512 KiB`: for amounts that are set or counted. */
export function bytes(count: number): string {
  if (count < 1024) return `${Math.round(count)} B`;
  const [value, unit] = count < 1024 * 1024 ? [count / 1024, 'KiB'] : [count / 1024 / 1024, 'MiB'];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return '-';
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function rate(MBps: number | undefined): string {
  return MBps === undefined ? '-' : `${Number(MBps.toPrecision(3))} MB/s`;
}

import type { BenchFigures, BenchParams, BenchResult } from '@millrace/protocol';

/** Figures in the order in which they are shown; those that a row lacks stay empty. */
const COLUMNS: ReadonlyArray<readonly [title: string, cell: (median: BenchFigures) => string]> = [
  ['to base', ({ ratioToBase }) => times(ratioToBase)],
  ['ratio', ({ ratio, exchangesP50 }) => times(ratio ?? exchangesP50)],
  ['MB/s', ({ MBps }) => short(MBps)],
  ['first byte ms p50/p99', ({ firstByteMsP50, firstByteMsP99 }) => both(firstByteMsP50, firstByteMsP99)],
  ['latency ms p50/p99', ({ latencyMsP50, latencyMsP99 }) => both(latencyMsP50, latencyMsP99)],
  ['settled MB/s', ({ settledMBps }) => short(settledMBps)],
  ['settled after s', ({ settleSeconds }) => short(settleSeconds)],
  ['round trips', ({ roundTrips }) => short(roundTrips)],
  ['silence ms', ({ longestSilenceMs }) => short(longestSilenceMs)],
  ['per second', ({ streamsPerSecond, operationsPerSecond }) => short(streamsPerSecond ?? operationsPerSecond)],
  ['ns a packet', ({ cpuNsPerPacket }) => short(cpuNsPerPacket)],
  ['cost', ({ costRatio }) => share(costRatio)],
  [
    'send ns / cost',
    ({ sendCpuNsPerPacket, sendCostRatio }) => joined(short(sendCpuNsPerPacket), share(sendCostRatio)),
  ],
  [
    'receive ns / cost',
    ({ receiveCpuNsPerPacket, receiveCostRatio }) => joined(short(receiveCpuNsPerPacket), share(receiveCostRatio)),
  ],
  [
    'heap B sent/received',
    ({ sendHeapBytesPerPacket, receiveHeapBytesPerPacket }) => both(sendHeapBytesPerPacket, receiveHeapBytesPerPacket),
  ],
  ['calls per 1,000', ({ callsPer1000Packets }) => short(callsPer1000Packets)],
  ['lost %', ({ packetsLostPercent }) => short(packetsLostPercent)],
  ['Jain', ({ jain }) => jain?.toFixed(3) ?? ''],
  ['in time %', ({ inTimePercent }) => inTimePercent?.toFixed(2) ?? ''],
  ['added p99 ms', ({ addedLatencyMsP99 }) => short(addedLatencyMsP99)],
  ['MiB/h', ({ memoryMiBPerHour }) => short(memoryMiBPerHour)],
  ['handles/h', ({ handlesPerHour }) => short(handlesPerHour)],
  ['timers/h', ({ timersPerHour }) => short(timersPerHour)],
  ['CPU s/GB', ({ cpuSecondsPerGB }) => short(cpuSecondsPerGB)],
  ['checker s/GB', ({ checkerCpuSecondsPerGB }) => short(checkerCpuSecondsPerGB)],
  ['collections', ({ garbageCollections }) => short(garbageCollections)],
  ['requests', ({ requests }) => short(requests)],
  ['of the least', ({ requestsRatio }) => times(requestsRatio)],
  ['requests/h', ({ requestsPerHour }) => short(requestsPerHour)],
  ['added requests', ({ addedRequests }) => short(addedRequests)],
  ['at once', ({ mostInFlight }) => short(mostInFlight)],
  ['overhead %', ({ overheadPercent }) => short(overheadPercent)],
];

/** One table, as cells; columns without any figure are left out. The first row is the heading. */
export function tableOf(results: BenchResult[]): string[][] {
  const used = COLUMNS.filter(([, cell]) => results.some(({ median }) => cell(median) !== ''));
  const head = ['scenario', 'subject', ...used.map(([title]) => title), 'spread %', 'result'];
  const rows = results.map((result) => [
    `${result.scenario} ${paramsText(result.params)}`.trim(),
    result.subject,
    // Whatever its speed: with a wrong byte there is no figure.
    ...used.map(([, cell]) => (result.verified ? cell(result.median) : '')),
    result.verified ? short(mainSpread(result)) : '',
    verdict(result),
  ]);
  return [head, ...rows];
}

/** Whether it is right, and whether it is enough. */
export function verdict({ verified, reached, target, limitedBy }: BenchResult): string {
  if (!verified) return 'WRONG';
  const limited = limitedBy === undefined ? '' : ` (limited by ${limitedBy})`;
  if (reached === undefined || !target) return `verified${limited}`;
  return `${reached ? 'reached' : 'not reached'}${limited}`;
}

/** The spread of the figure that a result is about. */
function mainSpread({ spread }: BenchResult): number | undefined {
  return (
    spread.MBps ??
    spread.streamsPerSecond ??
    spread.operationsPerSecond ??
    spread.cpuNsPerPacket ??
    spread.firstByteMsP50 ??
    spread.latencyMsP50
  );
}

/** Parameters in one line: `streams 4, bytes 16 MiB`. What is the same everywhere and says nothing stays out. */
export function paramsText(params: BenchParams): string {
  return Object.entries(params)
    .map(([name, value]) => {
      if (name === 'level') return `level ${String(value)}`;
      if (name === 'encoding' || name === 'verb' || name === 'direction' || name === 'task') return String(value);
      return `${name} ${typeof value === 'number' && /bytes$/i.test(name) ? bytesText(value) : String(value)}`;
    })
    .join(', ');
}

function bytesText(bytes: number): string {
  if (bytes >= 2 ** 20) return `${Number((bytes / 2 ** 20).toFixed(2))} MiB`;
  // Packets have round sizes of their own: 1,200 bytes.
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : bytes.toLocaleString('en-US');
}

const both = (a: number | undefined, b: number | undefined): string =>
  a === undefined ? '' : `${short(a)} / ${short(b)}`;
const joined = (...cells: string[]): string => cells.filter((cell) => cell !== '').join(' / ');
/** A cost beside another one: below 1 is cheaper. */
const share = (ratio: number | undefined): string => (short(ratio) === '' ? '' : `${short(ratio)}×`);
const times = (ratio: number | undefined): string => (ratio === undefined ? '' : `${ratio.toFixed(2)}×`);

/** Three digits that matter. */
export function short(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

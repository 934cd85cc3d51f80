import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BedContext } from '../src/bed/types.js';
import type { UdpPathCounts } from '../src/check/udp-path-model.js';
import { bundleWorkers, removeBundle } from '../src/process/bundle.js';
import { bedContext } from '../src/run/context.js';
import { problemsOf, udpPath } from '../src/scenarios/udp-path.js';

let harness = '';
let context: BedContext;

beforeAll(async () => {
  harness = await bundleWorkers('harness');
  context = bedContext({ folders: { harness, subject: harness }, side: 'subject', name: 'test' });
});
afterAll(() => removeBundle(harness));

test.each(['free', 'lossy'])(
  'the %s path delivers every datagram that it says it delivers, byte by byte',
  async (path) => {
    if (udpPath.kind !== 'worker') throw new Error('not a scenario of a worker');
    const params = { path, datagramBytes: 1200, datagrams: 1500 };
    const open = await udpPath.open(context, params);
    const { figures, problems } = await open.measure(params);
    await open.close();
    expect(problems).toEqual([]);
    expect(figures.operationsPerSecond).toBeGreaterThan(0);
  },
);

const carried: UdpPathCounts = { sent: 10, lost: 2, dropped: 1, duplicated: 1, reordered: 0, arriving: 8 };
const arrived = { arrived: 8, different: 7, late: 0, wrong: 0 };

test('counts that agree have no problem', () => {
  expect(problemsOf(10, carried, arrived)).toEqual([]);
});

test.each([
  ['wrong bytes', 10, carried, { ...arrived, wrong: 1 }, /1 datagrams had wrong bytes/],
  ['a datagram that the path never saw', 11, carried, arrived, /11 datagrams were sent, the path saw 10/],
  [
    'a datagram that vanished behind the path',
    10,
    carried,
    { ...arrived, arrived: 7 },
    /delivered 8 datagrams, the sink counted 7/,
  ],
  [
    'a datagram that came in the place of another',
    10,
    carried,
    { ...arrived, different: 6 },
    /let 7 different datagrams/,
  ],
] as const)('%s is a problem', (_name, sent, path, sink, message) => {
  expect(problemsOf(sent, path, sink).join()).toMatch(message);
});

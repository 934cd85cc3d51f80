import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFloorBed } from '../src/bed/floor-bed.js';
import { openPipeBed } from '../src/bed/pipe-bed.js';
import { shape } from '../src/bed/shape.js';
import type { Bed, BedContext } from '../src/bed/types.js';
import type { Link } from '../src/check/shaped-direction.js';
import { bundleWorkers, removeBundle } from '../src/process/bundle.js';
import { bedContext } from '../src/run/context.js';
import { openLab, type Lab } from '../src/run/lab.js';
import { measureTransfer } from '../src/run/measure-transfer.js';

let harness = '';
let context: BedContext;
let lab: Lab;

beforeAll(async () => {
  harness = await bundleWorkers('harness');
  context = bedContext({ folders: { harness, subject: harness }, side: 'subject', name: 'test' });
  lab = await openLab(context.startHarness);
});
afterAll(async () => {
  await lab.close();
  await removeBundle(harness);
});

async function withLink<T>(link: Link, run: (bed: Bed) => Promise<T>): Promise<T> {
  const links: Parameters<typeof shape>[3] = [];
  const url = await shape(context, `http://127.0.0.1:${lab.address.port}`, link, links);
  try {
    return await run({
      entry: { kind: 'forward', host: '127.0.0.1', port: Number(new URL(url).port) },
      measured: [],
      close: () => Promise.resolve(),
    });
  } finally {
    await Promise.all(links.map((child) => child.stop()));
  }
}

const links: Array<[name: string, link: Link]> = [
  ['without any limit', { rttMs: 0, rateMbps: 0, lossPercent: 0 }],
  ['with delay', { rttMs: 2, rateMbps: 0, lossPercent: 0 }],
  ['with a rate', { rttMs: 0, rateMbps: 800, lossPercent: 0 }],
  ['with delay, rate and loss', { rttMs: 1, rateMbps: 800, lossPercent: 0.01 }],
];

test.each(links)('a link %s changes no byte and keeps both ends of a stream apart', async (_name, link) => {
  await withLink(link, async (bed) => {
    for (const verb of ['download', 'upload', 'end-first', 'end-last'] as const) {
      const { problems } = await measureTransfer(lab, bed, { verb, streams: 3, bytesPerStream: 300_000 });
      expect(problems).toEqual([]);
    }
  });
});

test.each([
  ['pipe', openPipeBed],
  ['floor', openFloorBed],
])('the %s stands behind the link that was asked for, as ours does', async (_name, open) => {
  const { address: target } = lab;
  const link = { rttMs: 2, rateMbps: 0, lossPercent: 0 };
  const options = { folders: { harness, subject: harness }, side: 'subject', name: 'test', target } as const;
  const started: string[] = [];
  const shaped = bedContext({ ...options, link });
  const startHarness: BedContext['startHarness'] = (worker, ...rest) => {
    started.push(worker);
    return shaped.startHarness(worker, ...rest);
  };
  const bed = await open({ ...shaped, startHarness });
  await bed.close();
  expect(started.filter((worker) => worker === 'shaper').length).toBeGreaterThan(0);
});

test('a plain pipe behind a link changes no byte', async () => {
  const { address: target } = lab;
  const link = { rttMs: 2, rateMbps: 0, lossPercent: 0 };
  const options = { folders: { harness, subject: harness }, side: 'subject', name: 'test', target } as const;
  const bed = await openPipeBed(bedContext({ ...options, link }));
  const { problems } = await measureTransfer(lab, bed, { verb: 'end-first', streams: 2, bytesPerStream: 300_000 });
  await bed.close();
  expect(problems).toEqual([]);
});

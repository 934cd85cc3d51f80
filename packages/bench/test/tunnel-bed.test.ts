import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTunnelBed, type TunnelSetUp } from '../src/bed/tunnel-bed.js';
import type { Bed, BedContext } from '../src/bed/types.js';
import { bundleWorkers, removeBundle } from '../src/process/bundle.js';
import { bedContext } from '../src/run/context.js';
import { openLab, type Lab } from '../src/run/lab.js';
import { measureTransfer } from '../src/run/measure-transfer.js';

const TIMEOUT_MS = 60_000;
let folders = { harness: '', subject: '' };
let context: BedContext;
let lab: Lab;

beforeAll(async () => {
  folders = { harness: await bundleWorkers('harness'), subject: await bundleWorkers('subject') };
  context = bedContext({ folders, side: 'subject', name: 'test' });
  lab = await openLab(context.startHarness);
}, TIMEOUT_MS);
afterAll(async () => {
  await lab.close();
  await Promise.all(Object.values(folders).map(removeBundle));
});

async function withBed(setUp: TunnelSetUp, use: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await openTunnelBed(context, setUp);
  try {
    await use(bed);
  } finally {
    await bed.close();
  }
}

const roles = (bed: Bed): string[] => bed.measured.map(({ role }) => role);

const SET_UPS: Array<[name: string, setUp: TunnelSetUp, roles: string[]]> = [
  ['level 2 as bytes over a relay', { level: 2, encoding: 'bytes' }, ['node', 'relay', 'client']],
  [
    'level 2 as text over two relays',
    { level: 2, encoding: 'text', relays: 2 },
    ['node', 'relay 1', 'relay 2', 'client'],
  ],
  ['level 2 without a relay', { level: 2, relays: 0 }, ['node', 'client']],
  ['level 2 over simulated relays, which are not charged', { level: 2, simulators: [{}, {}] }, ['node', 'client']],
  ['level 1 over a simulated relay', { level: 1, encoding: 'text', simulators: [{}] }, ['node', 'client']],
];

test.each(SET_UPS)(
  '%s: every byte is right, the level is the one asked for, and the wire is counted',
  async (_name, setUp, expected) => {
    await withBed(setUp, async (bed) => {
      const bytes = 300_000;
      const { figures, problems } = await measureTransfer(lab, bed, {
        verb: 'end-first',
        streams: 2,
        bytesPerStream: bytes,
      });
      expect(problems).toEqual([]);
      expect(roles(bed)).toEqual(expected);
      expect(await bed.wrongLevel?.()).toEqual([]);
      expect(figures.wireBytes).toBeGreaterThanOrEqual(4 * bytes);
      expect(figures.mostInFlight).toBeGreaterThan(0);
      expect(figures.requests).toBeGreaterThanOrEqual(figures.mostInFlight!);
    });
  },
  TIMEOUT_MS,
);

test(
  'a renewed client takes the place of the one before it',
  async () => {
    await withBed({ level: 2 }, async (bed) => {
      const before = bed.entry.port;
      await bed.renewClient?.();
      expect(bed.entry.port).not.toBe(before);
      expect(roles(bed)).toEqual(['node', 'relay', 'client']);
      const { problems } = await measureTransfer(lab, bed, { verb: 'download', streams: 1, bytesPerStream: 100_000 });
      expect(problems).toEqual([]);
    });
  },
  TIMEOUT_MS,
);

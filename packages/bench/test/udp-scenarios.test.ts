import { loadNative } from '@millrace/udp-native';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BedContext } from '../src/bed/types.js';
import { bundleWorkers, removeBundle } from '../src/process/bundle.js';
import { bedContext } from '../src/run/context.js';
import { NO_ADDON } from '../src/scenarios/sizes.js';
import { udpBatch } from '../src/scenarios/udp-batch.js';
import { udpFec } from '../src/scenarios/udp-fec.js';
import { udpPipeline } from '../src/scenarios/udp-pipeline.js';
import { udpSeal } from '../src/scenarios/udp-seal.js';
import { problemsOf as batchProblems } from '../src/udp/batch-pair.js';
import { problemsOf } from '../src/udp/pipeline-pair.js';
import { runOnce } from './run-once.js';

const TIMEOUT_MS = 60_000;
let folder = '';
let context: BedContext;

beforeAll(async () => {
  folder = await bundleWorkers('subject');
  context = bedContext({ folders: { harness: folder, subject: folder }, side: 'subject', name: 'test' });
});
afterAll(() => removeBundle(folder));

/** What is said where the addon is missing. */
const expected = loadNative() ? [] : [NO_ADDON];
const quick = { quick: true, soakSeconds: 3, shaped: false };

describe.each([udpPipeline, udpBatch, udpSeal, udpFec])('$name', (scenario) => {
  test.each(scenario.variants(quick))(
    '%j is right, and what it measures has its figures',
    async (params) => {
      const { own, beside, notes } = await runOnce(context, scenario, params);
      expect([own.problems, beside?.problems ?? []]).toEqual([[], []]);
      const needsAddon = params['way'] !== 'fallback' && (params['kernel'] ?? 'native') === 'native';
      expect(notes).toEqual(needsAddon ? expected : []);
      const { figure, also = [] } = scenario.target?.(params) ?? { figure: 'cpuSecondsPerGB' };
      if (params['kernel'] === 'scalar') return;
      for (const name of [figure, ...also.map((bound) => bound.figure)])
        expect(own.figures[name as 'ratio'], name).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

const end = {
  cpuNs: 1,
  heapBytes: 1,
  framesSubmitted: 0,
  framesCompleted: 0,
  packetsSent: 1,
  packetsReceived: 1,
  packetsLost: 0,
  allPacketsSent: 10,
  allPacketsReceived: 10,
  tier: 'gso',
  checkMs: 0,
};
const ends = { from: { ...end, framesSubmitted: 5 }, at: { ...end, framesCompleted: 5 } };

test('ends that count the same frames have no problem', () => {
  expect(problemsOf(5, { right: 5, recovered: 0 }, ends)).toEqual([]);
});

test.each([
  ['a wrong frame', { right: 5, recovered: 0, problem: 'frame 3 came twice' }, ends, 'frame 3 came twice'],
  ['a missing frame', { right: 4, recovered: 0 }, ends, '5 frames were sent, 4 arrived right'],
  [
    'a sender that counts other frames',
    { right: 5, recovered: 0 },
    { ...ends, from: end },
    'the sender counts 0 frames, not 5',
  ],
  [
    'a receiver that counts other frames',
    { right: 5, recovered: 0 },
    { ...ends, at: { ...ends.at, framesCompleted: 6 } },
    'the receiver counts 6 frames, not 5',
  ],
  [
    'a packet out of nowhere',
    { right: 5, recovered: 0 },
    { ...ends, at: { ...ends.at, allPacketsReceived: 11 } },
    '10 packets were sent, 11 were received',
  ],
] as const)('%s is a problem', (_name, got, both, problem) => {
  expect(problemsOf(5, got, both)).toEqual([problem]);
});

test.each([
  [1024, 1024, []],
  [1000, 1000, ['the system took 1000 of 1024 packets']],
  [1024, 1023, ['1024 packets were sent, 1023 arrived right']],
])('a burst of which %i were sent and %i arrived right', (sent, right, problems) => {
  expect(batchProblems(1024, sent, right)).toEqual(problems);
});

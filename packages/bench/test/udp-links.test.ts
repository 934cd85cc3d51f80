import type { BenchFigures } from '@millrace/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BedContext } from '../src/bed/types.js';
import { bundleWorkers, removeBundle } from '../src/process/bundle.js';
import { bedContext } from '../src/run/context.js';
import { firstPart, udpFair } from '../src/scenarios/udp-fair.js';
import { udpLoss } from '../src/scenarios/udp-loss.js';
import { udpTail } from '../src/scenarios/udp-tail.js';
import { frameProblems, frameTimes } from '../src/udp/session-pair.js';
import { runOnce } from './run-once.js';

const TIMEOUT_MS = 60_000;
const folders = { harness: '', subject: '' };
let context: BedContext;

beforeAll(async () => {
  folders.harness = await bundleWorkers('harness');
  folders.subject = await bundleWorkers('subject');
  context = bedContext({ folders, side: 'subject', name: 'test' });
});
afterAll(() => Promise.all(Object.values(folders).map((folder) => removeBundle(folder))));

describe.each([udpLoss, udpTail, udpFair])('$name', (scenario) => {
  test.each(scenario.variants({ quick: true, soakSeconds: 3, shaped: false }))(
    '%j is right over the in-process path, and what it measures has its figure',
    async (params) => {
      expect(params['link']).toBe('in-process');
      const { own, beside } = await runOnce(context, scenario, params);
      expect([own.problems, beside?.problems ?? []]).toEqual([[], []]);
      const target = scenario.target?.(params);
      expect(own.figures[target?.figure as keyof BenchFigures]).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

const sent = { startMs: 100, submittedMs: [100, 110, 120] };

test('frames that were sent and came later are right, one that is missing takes for ever', () => {
  const taken = { arrivedMs: { 0: 125, 2: 140 }, problems: [] };
  expect(frameProblems(sent, taken)).toEqual([]);
  expect(frameTimes({ sent, taken, problems: [] })).toEqual([25, Infinity, 20]);
});

test('frames that were never sent, or came before, are problems', () => {
  const taken = { arrivedMs: { 1: 105, 7: 200 }, problems: [] };
  expect(frameProblems(sent, taken)).toEqual([
    'frame 1 arrived before it was sent',
    'frame 7 arrived and was never sent',
  ]);
});

test('the first seconds of a transfer are counted in whole and broken bins', () => {
  const figures = { timelineMBps: [10, 20, 30, 40], timelineBinMs: 500 };
  expect(firstPart(figures, 1)).toBeCloseTo(15);
  expect(firstPart(figures, 1.25)).toBeCloseTo((5 + 10 + 7.5) / 1.25);
});

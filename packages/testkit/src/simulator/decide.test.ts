import { expect, test } from 'vitest';
import { Decider, type Decision } from './decide.js';
import { resolveSettings } from './options.js';

const odds = { requestLost: 0.05, responseLost: 0.05, doubled: 0.02, responseTruncated: 0.01 };

function decisions(settings: object, count: number): Decision[] {
  const decider = new Decider(resolveSettings(settings));
  return Array.from({ length: count }, (_, index) => decider.next(index));
}

test('a seed gives the same decisions each time, another one others', () => {
  const settings = { seed: 5, faults: odds, redirects: 2 };
  expect(decisions(settings, 200)).toEqual(decisions(settings, 200));
  expect(decisions({ ...settings, seed: 6 }, 200)).not.toEqual(decisions(settings, 200));
});

test('faults happen as often as their probabilities say, one at most to a request', () => {
  const counts: Record<string, number> = {};
  const count = 20_000;
  for (const { fault = 'none' } of decisions({ faults: odds }, count)) counts[fault] = (counts[fault] ?? 0) + 1;
  expect(Object.keys(counts).toSorted()).toEqual([...Object.keys(odds), 'none'].toSorted());
  for (const [name, odd] of Object.entries(odds)) {
    expect(counts[name]! / count).toBeGreaterThan(odd * 0.8);
    expect(counts[name]! / count).toBeLessThan(odd * 1.2);
  }
});

test('what is drawn for a request does not depend on the redirects of those before', () => {
  const [plain, redirected] = [decisions({}, 3), decisions({ redirects: 5 }, 3)];
  expect(redirected.map(({ delays }) => delays)).toEqual(plain.map(({ delays }) => delays));
  expect(redirected[0]!.redirectDelays).toHaveLength(5);
});

test('lateness, gaps and answers of doubled requests come in all kinds, within their bounds', () => {
  const drawn = decisions({ lateMs: [10, 20], doubledGapMs: [30, 40] }, 200);
  expect(new Set(drawn.map(({ late }) => late.at))).toEqual(new Set(['request', 'response']));
  expect(drawn.every(({ late }) => late.ms >= 10 && late.ms <= 20)).toBe(true);
  expect(new Set(drawn.map(({ double }) => double.answer))).toEqual(new Set(['first', 'second']));
  const gaps = drawn.map(({ double }) => double.gapMs);
  expect(gaps.some((gap) => gap === 0)).toBe(true);
  expect(gaps.every((gap) => gap === 0 || (gap >= 30 && gap <= 40))).toBe(true);
  expect(new Set(drawn.map(({ lets }) => lets))).toEqual(new Set([1, 2, 3, 4]));
});

test('windows cover their requests and their times, without their ends', () => {
  const byTime = { status: 403, fromMs: 10, toMs: 20 };
  const byCount = { status: 429, fromRequest: 15, toRequest: 25 };
  const statuses = decisions({ windows: [byTime, byCount] }, 30).map(({ window }) => window?.status ?? 200);
  const expected = Array.from({ length: 30 }, (_, index) =>
    index < 10 ? 200 : index < 20 ? 403 : index < 25 ? 429 : 200,
  );
  expect(statuses).toEqual(expected);
});

import { describe, expect, test } from 'vitest';
import { FREE_PATH, UdpPathModel, type UdpPathOptions } from './udp-path-model.js';

const COUNT = 100_000;

/** Passes datagrams of 1,000 bytes, `gapMs` apart. */
function passed(options: Partial<UdpPathOptions>, count = COUNT, gapMs = 1): { due: number[][]; model: UdpPathModel } {
  const model = new UdpPathModel({ ...FREE_PATH, ...options });
  return { due: Array.from({ length: count }, (_, i) => model.pass(i * gapMs, 1000)), model };
}

test('a free path hands everything on at once', () => {
  expect(passed({}, 3).due).toEqual([[0], [1], [2]]);
});

test('delay and rate add up, and what does not fit into the queue is dropped', () => {
  // 8 Mbit/s are 1,000 bytes a millisecond.
  const { due, model } = passed({ delayMs: 20, rateMbps: 8, queueBytes: 2000 }, 4, 0);
  expect(due).toEqual([[21], [22], [], []]);
  expect(model.counts).toMatchObject({ sent: 4, dropped: 2, arriving: 2 });
});

test('losses by chance are as many as asked for, and not in bursts', () => {
  const { due, model } = passed({ lossPercent: 5 });
  expect(model.counts.lost / COUNT).toBeCloseTo(0.05, 2);
  expect(meanRun(due)).toBeLessThan(1.2);
});

test('bursts are as long and as frequent as asked for', () => {
  const { due, model } = passed({ burst: { beginPercent: 1, endPercent: 25 } });
  expect(meanRun(due)).toBeGreaterThan(3.5);
  expect(meanRun(due)).toBeLessThan(4.5);
  // The share of time in the bad state is begin / (begin + end).
  expect(model.counts.lost / COUNT).toBeCloseTo(1 / 26, 2);
});

test('reordered datagrams come after later ones, doubled ones twice', () => {
  const { due, model } = passed({ reorderPercent: 3, duplicatePercent: 2 });
  const times = due.flat();
  const late = times.filter((ms, i) => i > 0 && ms < (times[i - 1] ?? 0)).length;
  expect(late / COUNT).toBeCloseTo(0.03, 2);
  expect(due.filter(({ length }) => length === 2).length).toBe(model.counts.duplicated);
  expect(model.counts.duplicated / COUNT).toBeCloseTo(0.02, 2);
  expect(model.counts.arriving).toBe(times.length);
});

describe('the same seed', () => {
  test('brings the same fate', () => {
    const options = { lossPercent: 10, duplicatePercent: 5, seed: 7 };
    expect(passed(options, 1000).due).toEqual(passed(options, 1000).due);
    expect(passed(options, 1000).due).not.toEqual(passed({ ...options, seed: 8 }, 1000).due);
  });

  test('loses the same datagrams whatever else happens to them', () => {
    const lost = (options: Partial<UdpPathOptions>): number[] =>
      passed({ lossPercent: 10, ...options }, 1000).due.flatMap(({ length }, i) => (length === 0 ? [i] : []));
    expect(lost({})).toEqual(lost({ duplicatePercent: 30, reorderPercent: 20 }));
  });
});

/** Mean length of runs of losses. */
function meanRun(due: number[][]): number {
  let runs = 0;
  let lost = 0;
  due.forEach(({ length }, i) => {
    if (length > 0) return;
    lost++;
    if ((due[i - 1]?.length ?? 1) > 0) runs++;
  });
  return lost / runs;
}

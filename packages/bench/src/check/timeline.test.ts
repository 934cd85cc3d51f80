import { expect, test } from 'vitest';
import { findEarlyBytes, longestSilenceMs, reachedAtMs, throughputOverTime, TimelineRecorder } from './timeline.js';

test('bytes that arrive before they were sent are named by their offset', () => {
  const sent = { timesMs: [0, 10, 20], positions: [100, 200, 300] };
  expect(findEarlyBytes(sent, { timesMs: [1, 11, 21], positions: [100, 200, 300] })).toBeUndefined();
  expect(findEarlyBytes(sent, { timesMs: [1, 9], positions: [100, 200] })).toBe(100);
  expect(findEarlyBytes(sent, { timesMs: [30], positions: [301] })).toBe(0);
});

test('a long timeline is thinned so that no honest tunnel is accused', () => {
  const sent = new TimelineRecorder('sent');
  const arrived = new TimelineRecorder('arrived');
  for (let i = 0; i < 100_000; i++) {
    sent.add(i, (i + 1) * 10);
    arrived.add(i + 0.5, (i + 1) * 10);
  }
  expect(sent.timeline.timesMs.length).toBeLessThan(10_000);
  expect(arrived.timeline.positions.at(-1)).toBe(1_000_000);
  expect(findEarlyBytes(sent.timeline, arrived.timeline)).toBeUndefined();
});

test('silence is what no stream broke', () => {
  expect(
    longestSilenceMs([
      { timesMs: [0, 30], positions: [1, 2] },
      { timesMs: [12], positions: [1] },
    ]),
  ).toBe(18);
});

test('a part of the bytes is reached when all streams together have brought it', () => {
  const streams = [
    { timesMs: [5, 30], positions: [1000, 3000] },
    { timesMs: [20], positions: [1000] },
  ];
  expect([1000, 1001, 4000, 4001].map((bytes) => reachedAtMs(streams, bytes))).toEqual([5, 20, 30, undefined]);
});

test('throughput over time holds all bytes of all streams', () => {
  const { MBps, binMs } = throughputOverTime(
    [
      { timesMs: [5, 15], positions: [1000, 3000] },
      { timesMs: [15], positions: [1000] },
    ],
    0,
    20,
    2,
  );
  expect(binMs).toBe(10);
  expect(MBps).toEqual([0.1, 0.3]);
});

test('a long timeline is as coarse at its beginning as at its end', () => {
  const recorder = new TimelineRecorder('arrived');
  for (let i = 1; i <= 400_000; i++) recorder.add(i, i * 1000);
  const { MBps } = throughputOverTime([recorder.timeline], 0, 400_000, 10);
  for (const bin of MBps) expect(bin).toBeCloseTo(1, 1);
  expect(recorder.timeline.positions.at(-1)).toBe(400_000_000);
});

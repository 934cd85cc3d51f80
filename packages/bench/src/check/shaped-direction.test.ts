import { expect, test } from 'vitest';
import { passage } from './shaped-direction.js';

const CLEAN = { rttMs: 20, rateMbps: 8, lossPercent: 0 };

test('a link adds half a round trip, and the time that its rate takes', () => {
  expect(passage(CLEAN, 0, 100, 1000, 0)).toEqual({ freeMs: 101, dueMs: 111 });
});

test('bytes that come while the link is busy wait for their turn', () => {
  const first = passage(CLEAN, 0, 100, 1000, 0);
  expect(passage(CLEAN, first.freeMs, 100, 1000, 0)).toEqual({ freeMs: 102, dueMs: 112 });
});

test('a lost segment holds its bytes for the time that TCP takes to find it, and the link for nothing', () => {
  const lossy = { rttMs: 20, rateMbps: 0, lossPercent: 10 };
  expect(passage(lossy, 0, 0, 1000, 0.8).dueMs).toBe(10);
  expect(passage(lossy, 0, 0, 1000, 0.95)).toEqual({ freeMs: 0, dueMs: 210 });
});

test('more segments are more likely to lose one', () => {
  const lossy = { rttMs: 0, rateMbps: 0, lossPercent: 10 };
  expect(passage(lossy, 0, 0, 1460, 0.85).dueMs).toBe(0);
  expect(passage(lossy, 0, 0, 1460 * 3, 0.85).dueMs).toBe(200);
});

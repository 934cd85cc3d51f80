import { expect, test } from 'vitest';

import { Congestion } from './congestion.js';

const LINK = 10_000;
const LEAST_MS = 40;
const QUEUE_MS = 40;
const REPORT_MS = 20;

/** A fluid model of one bottleneck: the rate from here and that of others meet in a queue, and each gets what it put in. */
function beside(others: (now: number, ours: number) => number, untilMs: number): { share: number; queueMs: number } {
  const congestion = new Congestion();
  /** Pacing rates on their way: what is reported now was sent a round trip and a queue ago. */
  const sent: number[] = [];
  let queueMs = 0;
  let arrived = 0;
  let queues = 0;
  for (let now = 0; now < untilMs; now += REPORT_MS) {
    sent.push(congestion.pacingRate);
    const at = Math.round((LEAST_MS + queueMs) / REPORT_MS);
    const ours = sent.at(-1 - at) ?? 0;
    if (ours === 0) continue;
    const all = ours + others(now, ours);
    // A queue leaves at the rate of the link; without one all comes as it was sent.
    const rate = queueMs > 0 || all > LINK ? (LINK * ours) / all : ours;
    const before = queueMs;
    queueMs = Math.min(QUEUE_MS, Math.max(0, queueMs + ((all - LINK) * REPORT_MS) / LINK));
    const bytes = rate * REPORT_MS;
    congestion.onReport({
      rate,
      sentRate: ours,
      bytes,
      packets: Math.ceil(bytes / 1400),
      lost: 0,
      queueMs: (before + queueMs) / 2,
      smoothedMs: LEAST_MS + queueMs,
      leastMs: LEAST_MS,
      appLimited: false,
      now,
    });
    if (now < untilMs / 2) continue;
    arrived += bytes;
    queues += queueMs * REPORT_MS;
  }
  return { share: arrived / (LINK * (untilMs / 2)), queueMs: queues / (untilMs / 2) };
}

test('alone, all of the link is used, and its queue stays short', () => {
  const { share, queueMs } = beside(() => 0, 20_000);
  expect(share).toBeGreaterThan(0.85);
  expect(queueMs).toBeLessThan(QUEUE_MS / 2);
});

test.each([0.5, 0.7, 0.8])('beside a flow that keeps the queue full at %f of the link, it is not starved', (part) => {
  const { share } = beside(() => part * LINK * 1.05, 20_000);
  expect(share).toBeGreaterThan((1 - part) * 0.75);
});

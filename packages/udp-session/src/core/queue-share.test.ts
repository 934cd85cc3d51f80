import { expect, test } from 'vitest';

import { QueueShare } from './queue-share.js';

/** What comes of packets that are sent at a rate through a queue that leaves at 100 bytes per ms, beside others. */
const through = (sentRate: number, others: number) => ({
  bytes: 2000,
  sentRate,
  rate: (100 * sentRate) / (sentRate + others),
});

test('alone in a queue, all of it is one’s own', () => {
  const share = new QueueShare();
  share.watch(100);
  for (let i = 0; i < 2; i++) share.add(through(50, 0));
  expect(share.own).toBeCloseTo(1);
});

test.each([20, 40, 60])('of a queue that others share, %i hundredths are told', (part) => {
  const share = new QueueShare();
  share.watch(part);
  // The others send on as before; less is sent here, and what leaves goes to each by what came.
  for (let i = 0; i < 4; i++) share.add(through(part * 0.75, 100 - part));
  expect(share.own).toBeCloseTo(part / 100);
});

test('what was sent before does not count, and two reports are needed', () => {
  const share = new QueueShare();
  share.watch(100);
  for (let i = 0; i < 5; i++) share.add({ bytes: 2000, sentRate: 100, rate: 50 });
  share.add({ bytes: 2000, sentRate: 50, rate: 50 });
  expect(share.own).toBeUndefined();
  share.add({ bytes: 2000, sentRate: 50, rate: 50 });
  expect(share.own).toBeCloseTo(0);
});

test('a path that became slower is not taken for one that is shared', () => {
  const share = new QueueShare();
  share.watch(100);
  for (let i = 0; i < 3; i++) share.add({ bytes: 2000, sentRate: 80, rate: 40 });
  expect(share.own).toBeLessThan(-0.5);
});

import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isPending } from '../../../test/support/pending.js';
import { Random } from '../../../test/support/random.js';
import { Gate } from './gate.js';
import { RequestBudget } from './request-budget.js';
import { unzip } from './unzip.js';

test('a gate lets a bounded number in, and the others in their order', async () => {
  const gate = new Gate(2);
  const order: number[] = [];
  const finish: Array<() => void> = [];
  const tasks = [0, 1, 2, 3].map((n) =>
    gate.run(() => {
      order.push(n);
      return new Promise<void>((resolve) => (finish[n] = resolve));
    }),
  );
  expect(await isPending(tasks[0]!)).toBe(true);
  expect(order).toEqual([0, 1]);
  finish[1]!();
  await tasks[1];
  expect(await isPending(tasks[2]!)).toBe(true);
  expect(order).toEqual([0, 1, 2]);
  finish[0]!();
  finish[2]!();
  await isPending(tasks[3]!);
  finish[3]!();
  await Promise.all(tasks);
  expect(order).toEqual([0, 1, 2, 3]);
});

test('a task that fails leaves the gate too', async () => {
  const gate = new Gate(1);
  await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await gate.run(() => Promise.resolve(5))).toBe(5);
});

test('a claim is refused beyond the budget, and gives all back at once', () => {
  const budget = new RequestBudget(10);
  const [one, two] = [budget.claim(), budget.claim()];
  one.add(6);
  expect(() => two.add(5)).toThrow(expect.objectContaining({ code: 'NODE_BUSY' }));
  two.add(4);
  one.release();
  one.release();
  expect(budget.used).toBe(4);
});

test('unzipping stops at the budget of all requests', async () => {
  const budget = new RequestBudget(100_000);
  const claim = budget.claim();
  const random = new Random(1);
  const text = Buffer.from(Array.from({ length: 300_000 }, () => random.below(200)));
  await expect(unzip(gzipSync(text), claim)).rejects.toMatchObject({ code: 'NODE_BUSY' });
  claim.release();
  expect(budget.used).toBe(0);
  expect((await unzip(gzipSync(text), new RequestBudget(300_000).claim())).equals(text)).toBe(true);
});

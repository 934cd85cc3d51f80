import { expect, test } from 'vitest';
import { SimulatedAccounts } from './accounts.js';

const limits = { concurrency: 2, dailyRequests: 3, dayMs: 1_000 };

test('an account counts requests at once and of its day, apart from others', () => {
  const accounts = new SimulatedAccounts();
  expect(accounts.used('a')).toEqual({ concurrent: 0, today: 0 });
  expect([accounts.begin('a', limits, 0), accounts.begin('a', limits, 0)]).toEqual([undefined, undefined]);
  expect(accounts.begin('a', limits, 0)).toBe('concurrency');
  expect(accounts.begin('b', limits, 0)).toBeUndefined();
  accounts.end('a');
  expect(accounts.begin('a', limits, 999)).toBeUndefined();
  expect(accounts.used('a')).toEqual({ concurrent: 2, today: 3 });
  accounts.end('a');
  expect(accounts.begin('a', limits, 999)).toBe('dailyRequests');
  expect(accounts.begin('a', limits, 1_000)).toBeUndefined();
  expect(accounts.used('a').today).toBe(1);
});

test('without limits nothing is refused', () => {
  const accounts = new SimulatedAccounts();
  const none = { concurrency: 0, dailyRequests: 0, dayMs: 1_000 };
  for (let i = 0; i < 100; i++) expect(accounts.begin('a', none, i)).toBeUndefined();
});

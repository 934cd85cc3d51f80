import { describe, expect, test } from 'vitest';
import { Account } from '../carriers/account.js';
import { accountSection } from './account-section.js';

const NOON = Date.parse('2026-05-02T12:00Z');

const account = (label: string, dailyRequests: number | undefined, quotaReset = '00:00 UTC'): Account =>
  new Account(
    `named ${label}`,
    { label, maxConcurrent: 9, dailyRequests, quotaReset, quotaMarginPercent: 0 },
    () => NOON,
  );

function setup(...accounts: Account[]) {
  const told = { changed: 0, restored: 0 };
  const section = accountSection(accounts, {
    changed: () => {
      told.changed += 1;
    },
    restored: () => {
      told.restored += 1;
    },
  });
  return { section, told };
}

describe('what is kept of accounts', () => {
  test('is of those with a quota, by the names that they were given', () => {
    const [mine, free] = [account('mine', 10), account('free', undefined)];
    const { section, told } = setup(mine, free);
    mine.begin(performance.now());
    free.begin(performance.now());
    expect(told.changed).toBe(1);
    expect(section.collect()).toEqual(
      new Map([['mine', { reset: '00:00 UTC', counts: [[NOON - 12 * 3_600_000, 1]], offsetMs: 0 }]]),
    );
  });

  test('goes to those that are counted by the same rule, and whoever uses them hears of it', () => {
    const before = setup(account('mine', 10), account('other', 10), account('gone', 10));
    const [mine, other] = [account('mine', 10), account('other', 10, 'rolling')];
    const { section, told } = setup(mine, other);
    const kept = [...before.section.collect()].map(
      ([name, entry]) => [name, { ...entry, counts: [[NOON, 4]] }] as const,
    );
    section.restore(new Map(kept));
    expect(told.restored).toBe(1);
    expect(mine.stats(performance.now()).requestsToday).toBe(4);
    expect(other.stats(performance.now()).requestsToday).toBe(0);
  });
});

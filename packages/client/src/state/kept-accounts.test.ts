import { expect, test } from 'vitest';
import { DAY_MS } from '../carriers/quota-reset.js';
import { formatState } from './kept-state.js';
import { readAccounts } from './kept-accounts.js';

const accounts = [
  { name: 'a', dailyRequests: 40, quotaMarginPercent: 10, quotaReset: 'rolling' },
  { name: 'b', dailyRequests: 40, quotaReset: 'rolling' },
  { name: 'uncounted' },
];

const storeOf = (text: string | undefined) => ({ load: async () => text });

const counts = (used: number, at = Date.now()) => ({ reset: 'rolling', offsetMs: 0, counts: [[at, used]] as const });

test('accounts that are counted are read as a tunnel would find them', async () => {
  const text = formatState({
    accounts: new Map([
      ['a', counts(36)],
      ['b', counts(36)],
    ]),
    relays: new Map(),
  });
  const [a, b, ...others] = await readAccounts(storeOf(text), accounts);
  expect(a).toMatchObject({ account: 'a', requestsToday: 36, exhausted: true, resetAt: expect.any(Number) as unknown });
  expect(a?.blocked).toMatch(/^account a: 36 of 40 requests a day are used; it is expected to go on at .* UTC$/);
  expect(b).toMatchObject({ account: 'b', requestsToday: 36, exhausted: false });
  expect(b).not.toHaveProperty('blocked');
  expect(others).toEqual([]);
});

test('what no longer counts, or was never kept, leaves them open', async () => {
  const text = formatState({ accounts: new Map([['a', counts(36, Date.now() - 2 * DAY_MS)]]), relays: new Map() });
  for (const kept of [text, undefined]) {
    expect(await readAccounts(storeOf(kept), accounts)).toMatchObject([
      { account: 'a', requestsToday: 0, exhausted: false },
      { account: 'b', requestsToday: 0, exhausted: false },
    ]);
  }
});

test('a text that is no state is CONFIG_INVALID', async () => {
  await expect(readAccounts(storeOf('half a fi'), accounts)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

import { expect, test } from 'vitest';
import { requestLimits } from './request-limit.js';

const relay = (account?: string) => ({ url: 'http://a/', kind: 'relay' as const, ...(account && { account }) });

test('a relay takes a fifth of what its account has for a day, shared with the other relays of the account', () => {
  const relays = [relay('small'), relay('small'), relay('large'), relay('uncounted'), relay()];
  const accounts = [
    { name: 'small', dailyRequests: 1000 },
    { name: 'large', dailyRequests: 20_000 },
    { name: 'uncounted' },
  ];
  expect(requestLimits(relays, accounts, 500)).toEqual([100, 100, 500, 500, 500]);
});

test('what a few round trips take is left to the smallest account', () => {
  expect(requestLimits([relay('tiny')], [{ name: 'tiny', dailyRequests: 5 }], 500)).toEqual([10]);
});

import type { ErrorCode } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import type { ResolvedAccount } from '../options.js';
import { Account } from './account.js';
import type { CarrierFailure } from './carrier.js';

const MIDNIGHT = Date.parse('2026-05-02T07:00Z');
const HOUR_MS = 3_600_000;

const bounds: ResolvedAccount = {
  label: 'mine',
  maxConcurrent: 3,
  dailyRequests: 10,
  quotaReset: '00:00 America/Los_Angeles',
  quotaMarginPercent: 20,
};

/** An account whose wall clock and `now` are set by hand. */
function setup(more: Partial<ResolvedAccount> = {}, at = MIDNIGHT) {
  let wall = at;
  const account = new Account('named mine', { ...bounds, ...more }, () => wall);
  let now = 0;
  account.sync(now);
  return {
    account,
    now: () => now,
    /** Time passes. */
    pass: (ms: number): number => {
      now += ms;
      wall += ms;
      return now;
    },
    /** The wall clock alone is set. */
    set: (ms: number): void => {
      wall = ms;
      account.sync(now);
    },
  };
}

const failure = (code: ErrorCode, more: Partial<CarrierFailure> = {}): CarrierFailure => ({
  code,
  message: `relay: ${code}`,
  ambiguous: false,
  ...more,
});

describe('account', () => {
  test('takes as many at once as its concurrency, and never more than its quota leaves', () => {
    const { account } = setup();
    const attempts = [account.begin(0), account.begin(0)];
    expect(account.free(0)).toBe(1);
    attempts.push(account.begin(0));
    expect(account.free(0)).toBe(0);
    expect(account.admits(0)).toBe(false);
    // Its load is no rest.
    expect(account.resting(0)).toBeUndefined();
    for (const attempt of attempts) {
      account.succeed(attempt);
      account.end();
    }
    for (let index = 0; index < 3; index += 1) {
      account.succeed(account.begin(0));
      account.end();
    }
    expect(account.free(0)).toBe(2);
    account.begin(0);
    account.begin(0);
    expect(account.free(0)).toBe(0);
    expect(account.resting(0)).toMatchObject({ failure: { code: 'RELAY_QUOTA_DAY' }, restMs: 24 * HOUR_MS });
  });

  test('counted out, it says how many it used and until when, and takes nothing until the reset', () => {
    const { account, now, pass } = setup();
    for (let index = 0; index < 8; index += 1) {
      account.succeed(account.begin(0));
      account.end();
    }
    pass(HOUR_MS + 500);
    expect(account.blocked(now())).toEqual({
      until: MIDNIGHT + 24 * HOUR_MS,
      inMs: 23 * HOUR_MS - 500,
      failure: {
        code: 'RELAY_QUOTA_DAY',
        message: 'account mine: 8 of 10 requests a day are used; it is expected to go on at 2026-05-03 07:00 UTC',
        ambiguous: false,
      },
    });
    expect(account.stats(now())).toEqual({
      account: 'mine',
      inFlight: 0,
      requestsToday: 8,
      dailyRequests: 10,
      resetAt: MIDNIGHT + 24 * HOUR_MS,
      exhausted: true,
    });
    expect(account.probeDue(now())).toBe(false);
    expect(account.admits(pass(23 * HOUR_MS - 501))).toBe(false);
    expect(account.admits(pass(1))).toBe(true);
    expect(account.blocked(now())).toBeUndefined();
    expect(account.stats(now())).toMatchObject({ requestsToday: 0, exhausted: false });
  });

  test('called used up, it lets one request pass when it is due, and the first success opens it', () => {
    const { account, now, pass } = setup({ maxConcurrent: 30, dailyRequests: undefined });
    const attempt = account.begin(0);
    expect(account.fail(attempt, failure('RELAY_QUOTA_DAY'), 0, true)).toBe(600_000);
    account.end();
    expect(account.open(0)).toBe(false);
    expect(account.blocked(0)).toMatchObject({
      until: MIDNIGHT + 24 * HOUR_MS,
      failure: {
        message: 'account mine: relay: RELAY_QUOTA_DAY; it is expected to go on at 2026-05-03 07:00 UTC',
      },
    });
    expect(account.probeDue(pass(599_999))).toBe(false);
    expect(account.probeDue(pass(1))).toBe(true);
    expect(account.free(now())).toBe(1);
    expect(account.doubt(now())).toBe('RELAY_QUOTA_DAY');
    expect(account.blocked(now())).toBeUndefined();
    const probe = account.begin(now());
    expect(account.free(now())).toBe(0);
    expect(account.probeDue(now())).toBe(false);
    expect(account.resting(now())).toBeUndefined();
    expect(account.succeed(probe)).toBe(true);
    account.end();
    expect(account.open(now())).toBe(true);
    expect(account.free(now())).toBe(30);
    expect(account.doubt(now())).toBeUndefined();
  });

  test('told to wait, it takes nothing until then, and one request afterwards', () => {
    const { account, now, pass } = setup();
    const [one, two] = [account.begin(0), account.begin(0)];
    const told = failure('RELAY_QUOTA_RATE', { retryAfterMs: 90_000 });
    expect(account.fail(one, told, 0, true)).toBe(90_000);
    account.succeed(two);
    const message = `${told.message}; it is expected to go on at 2026-05-02 07:01:30 UTC`;
    expect(account.blocked(0)).toEqual({ until: MIDNIGHT + 90_000, inMs: 90_000, failure: { ...told, message } });
    expect(account.admits(pass(89_999))).toBe(false);
    expect(account.admits(pass(1))).toBe(true);
    account.end();
    account.end();
    expect(account.free(now())).toBe(1);
    expect(account.doubt(now())).toBe('RELAY_QUOTA_RATE');
    expect(account.succeed(account.begin(now()))).toBe(true);
    expect(account.open(now())).toBe(true);
  });

  test('the request that finds out may come to nothing in any way, and then the next one does', () => {
    const { account, now, pass } = setup({ maxConcurrent: 30, dailyRequests: undefined });
    account.fail(account.begin(0), failure('RELAY_QUOTA_RATE'), 0, true);
    pass(1_000);
    account.fail(account.begin(now()), failure('RELAY_HTML'), now(), true);
    expect(account.admits(now())).toBe(true);
    account.giveBack(account.begin(now()));
    expect(account.admits(now())).toBe(true);
    account.fail(account.begin(now()), failure('RELAY_QUOTA_DAY'), now(), true);
    expect(account.admits(pass(600_000))).toBe(true);
    expect(account.free(now())).toBe(1);
  });

  test('of two reasons the one that lasts longer is told', () => {
    const { account, now, pass } = setup();
    const [one, two] = [account.begin(0), account.begin(0)];
    account.fail(one, failure('RELAY_QUOTA_RATE', { retryAfterMs: 3_000_000 }), 0, true);
    account.fail(two, failure('RELAY_QUOTA_DAY'), 0, true);
    expect(account.resting(0)).toMatchObject({ failure: { code: 'RELAY_QUOTA_RATE' }, restMs: 3_000_000 });
    expect(account.blocked(0)).toMatchObject({ until: MIDNIGHT + 24 * HOUR_MS });
    pass(600_000);
    expect(account.admits(now())).toBe(false);
    expect(account.resting(now())).toMatchObject({ failure: { code: 'RELAY_QUOTA_RATE' }, restMs: 2_400_000 });
    const other = setup();
    const [three, four] = [other.account.begin(0), other.account.begin(0)];
    other.account.fail(three, failure('RELAY_QUOTA_RATE'), 0, true);
    other.account.fail(four, failure('RELAY_QUOTA_DAY'), 0, true);
    expect(other.account.resting(0)).toMatchObject({ failure: { code: 'RELAY_QUOTA_DAY' }, restMs: 600_000 });
  });

  test('and until the later of the two it is blocked; then one success ends both', () => {
    const { account, now, pass } = setup({}, MIDNIGHT + 23.5 * HOUR_MS);
    const [one, two] = [account.begin(0), account.begin(0)];
    account.fail(one, failure('RELAY_QUOTA_RATE', { retryAfterMs: 3_000_000 }), 0, true);
    account.fail(two, failure('RELAY_QUOTA_DAY'), 0, true);
    account.end();
    account.end();
    expect(account.blocked(0)).toMatchObject({ inMs: 3_000_000 });
    pass(3_000_000);
    expect(account.free(now())).toBe(1);
    expect(account.succeed(account.begin(now()))).toBe(true);
    expect(account.open(now())).toBe(true);
  });

  test('other failures are not of the account, and a request that did not leave this machine does not count', () => {
    const { account } = setup();
    expect(account.fail(account.begin(0), failure('RELAY_HTML'), 0, true)).toBeUndefined();
    expect(account.fail(account.begin(0), failure('ABORTED'), 0, true)).toBeUndefined();
    expect(account.fail(account.begin(0), failure('RELAY_OFFLINE'), 0, false)).toBeUndefined();
    account.giveBack(account.begin(0));
    expect(account.open(0)).toBe(true);
    expect(account.stats(0).requestsToday).toBe(2);
  });

  test('the wall clock may be set either way', () => {
    const { account, now, pass, set } = setup({}, MIDNIGHT + HOUR_MS);
    for (let index = 0; index < 8; index += 1) {
      account.succeed(account.begin(0));
      account.end();
    }
    set(MIDNIGHT - HOUR_MS);
    expect(account.admits(now())).toBe(false);
    expect(account.resting(now())).toMatchObject({ restMs: HOUR_MS });
    expect(account.admits(pass(HOUR_MS))).toBe(true);
    set(MIDNIGHT + 100 * HOUR_MS);
    expect(account.admits(now())).toBe(true);
    expect(account.stats(now()).requestsToday).toBe(0);
  });

  test('tells of everything that is to be kept, and goes on with it', () => {
    const { account, pass, now } = setup();
    let told = 0;
    account.onCounted = () => {
      told += 1;
    };
    const attempt = account.begin(0);
    expect(told).toBe(1);
    account.succeed(attempt);
    expect(told).toBe(1);
    account.fail(account.begin(0), failure('RELAY_QUOTA_DAY'), 0, true);
    expect(told).toBe(3);
    pass(60_000);
    const kept = account.save();
    const after = setup({}, MIDNIGHT + 60_000).account;
    after.restore(kept);
    expect(after.resting(0)).toMatchObject({ restMs: 540_000 });
    expect(after.stats(0).requestsToday).toBe(2);
    expect(after.resting(0)!.failure.message).toContain('its provider says that the quota of the day is used up');
    pass(540_000);
    account.succeed(account.begin(now()));
    expect(told).toBe(5);
    account.giveBack(account.begin(now()));
    expect(told).toBe(7);
  });
});

import type { ErrorCode } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { Breaker } from './breaker.js';
import type { CarrierFailure } from './carrier.js';

const failure = (code: ErrorCode, more: Partial<CarrierFailure> = {}): CarrierFailure => ({
  code,
  message: code,
  ambiguous: false,
  ...more,
});

describe('breaker', () => {
  test('a failure rests it, doubling up to a bound, and one success ends that', () => {
    const breaker = new Breaker();
    const rests: number[] = [];
    let now = 0;
    for (let index = 0; index < 12; index += 1) {
      expect(breaker.admits(now)).toBe(true);
      const restMs = breaker.fail(breaker.begin(), failure('RELAY_HTML'), now)!;
      rests.push(restMs);
      expect(breaker.state(now)).toBe('resting');
      expect(breaker.admits(now + restMs - 1)).toBe(false);
      now += restMs;
    }
    expect(rests).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
    expect(breaker.succeed(breaker.begin())).toBe(true);
    expect(breaker.state(now)).toBe('works');
    expect(breaker.fail(breaker.begin(), failure('RELAY_HTML'), now)).toBe(250);
  });

  test('a relay that cannot be reached is tried every few seconds, so that its return is noticed soon', () => {
    const breaker = new Breaker();
    const rests: number[] = [];
    let now = 0;
    for (let index = 0; index < 7; index += 1) {
      const restMs = breaker.fail(breaker.begin(), failure('RELAY_NODE_DOWN'), now)!;
      rests.push(restMs);
      now += restMs;
    }
    expect(rests).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  test('after the rest one request at a time passes', () => {
    const breaker = new Breaker();
    breaker.fail(breaker.begin(), failure('RELAY_TLS'), 0);
    const trial = breaker.begin();
    expect(breaker.state(250)).toBe('trying');
    expect(breaker.admits(250)).toBe(false);
    breaker.abandon(trial);
    expect(breaker.admits(250)).toBe(true);
    expect(breaker.succeed(breaker.begin())).toBe(true);
    expect(breaker.admits(251)).toBe(true);
  });

  test('requests that ran side by side and failed together count once', () => {
    const breaker = new Breaker();
    const attempts = [breaker.begin(), breaker.begin(), breaker.begin()];
    expect(attempts.map((attempt) => breaker.fail(attempt, failure('RELAY_OFFLINE'), 10))).toEqual([
      250,
      undefined,
      undefined,
    ]);
  });

  test('an answer to a request from before the failure does not end the rest', () => {
    const breaker = new Breaker();
    const old = breaker.begin();
    breaker.fail(breaker.begin(), failure('RELAY_QUOTA_RATE'), 5);
    expect(breaker.succeed(old)).toBe(false);
    expect(breaker.state(6)).toBe('resting');
  });

  test('an accident of one request rests it only when the next fails, too', () => {
    const breaker = new Breaker();
    expect(breaker.fail(breaker.begin(), failure('RELAY_TIMEOUT'), 1)).toBeUndefined();
    expect(breaker.state(1)).toBe('works');
    breaker.succeed(breaker.begin());
    expect(breaker.fail(breaker.begin(), failure('RELAY_EMPTY'), 4)).toBeUndefined();
    expect(breaker.fail(breaker.begin(), failure('RELAY_TRUNCATED'), 6)).toBe(500);
    expect(breaker.cause).toMatchObject({ code: 'RELAY_TRUNCATED' });
  });

  test('quotas rest longer, and the word of the relay counts', () => {
    const rest = (told: CarrierFailure): number | undefined => {
      const breaker = new Breaker();
      return breaker.fail(breaker.begin(), told, 0);
    };
    expect(rest(failure('RELAY_QUOTA_RATE'))).toBe(1_000);
    expect(rest(failure('RELAY_QUOTA_RATE', { retryAfterMs: 9_000 }))).toBe(9_000);
    expect(rest(failure('RELAY_QUOTA_RATE', { retryAfterMs: 900_000 }))).toBe(900_000);
    expect(rest(failure('RELAY_QUOTA_RATE', { retryAfterMs: 9_000_000 }))).toBe(3_600_000);
    expect(rest(failure('RELAY_STATUS', { retryAfterMs: 9_000 }))).toBe(9_000);
    expect(rest(failure('RELAY_STATUS', { retryAfterMs: 9_000_000 }))).toBe(60_000);
  });

  test('a success ends a rest whole', () => {
    const breaker = new Breaker();
    breaker.fail(breaker.begin(), failure('RELAY_HTML'), 5);
    expect(breaker.restUntil).toBe(255);
    expect(breaker.succeed(breaker.begin())).toBe(true);
    expect(breaker.restUntil).toBeLessThan(5);
    expect(breaker.cause).toBeUndefined();
  });

  test('requests for a rate of quota rest for longer each time, up to a minute', () => {
    const breaker = new Breaker();
    const rests: number[] = [];
    let now = 0;
    for (let index = 0; index < 8; index += 1) {
      const restMs = breaker.fail(breaker.begin(), failure('RELAY_QUOTA_RATE'), now)!;
      rests.push(restMs);
      now += restMs;
    }
    expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Quota, type QuotaAttempt, type QuotaOptions } from './quota.js';
import { DAY_MS, parseResetRule, type ResetRule } from './quota-reset.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const MIDNIGHT = Date.parse('2026-05-02T00:00Z');

const quota = (options: Partial<Omit<QuotaOptions, 'rule'>> & { rule?: string } = {}): Quota =>
  new Quota({
    dailyRequests: 100,
    marginPercent: 5,
    ...options,
    rule: parseResetRule(options.rule ?? '00:00 UTC') as ResetRule,
  });

/** What a provider says to a request. */
type Answer = 'ok' | 'used up' | 'broken' | 'not reached';

function answer(of: Quota, attempt: QuotaAttempt, now: number, said: Answer): void {
  if (said === 'ok') of.succeed(attempt);
  else if (said === 'used up') of.refuse(attempt, now);
  else of.fail(attempt, now, said === 'broken');
}

/** Someone who wants to send all the time. Returns when each request passed, in minutes after `from`. */
function sendAlways(of: Quota, from: number, minutes: number, provider: (minute: number) => Answer): number[] {
  const passed: number[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const now = from + minute * MINUTE_MS;
    if (of.left(now) === 0) {
      expect(of.nextAt(now)).toBeGreaterThan(now);
      continue;
    }
    expect(of.nextAt(now)).toBe(now);
    passed.push(minute);
    answer(of, of.begin(now), now, provider(minute));
  }
  return passed;
}

describe('counted', () => {
  test.each([
    [100, 5, 95],
    [100, 0, 100],
    [101, 5, 96],
    [1, 90, 1],
    [20_000, 5, 19_000],
    [3, 50, 2],
    [1_000_000_000, 90, 100_000_000],
  ])('of %d a day with a margin of %d %% it uses %d', (dailyRequests, marginPercent, usable) => {
    const of = quota({ dailyRequests, marginPercent });
    expect(of.usable).toBe(usable);
    if (usable > 20_000) return;
    for (let index = 0; index < usable; index += 1) {
      expect(of.left(MIDNIGHT)).toBe(usable - index);
      expect(of.exhausted(MIDNIGHT)).toBeUndefined();
      of.succeed(of.begin(MIDNIGHT));
    }
    expect(of.left(MIDNIGHT)).toBe(0);
    expect(of.exhausted(MIDNIGHT)).toBe('counted');
    expect(of.nextAt(MIDNIGHT)).toBe(MIDNIGHT + DAY_MS);
    expect(of.resetAt(MIDNIGHT)).toBe(MIDNIGHT + DAY_MS);
    expect(of.left(MIDNIGHT + DAY_MS - 1)).toBe(0);
    expect(of.left(MIDNIGHT + DAY_MS)).toBe(usable);
  });

  test('every request counts, also one that failed, but not one that was not sent or did not leave this machine', () => {
    const of = quota();
    of.fail(of.begin(MIDNIGHT), MIDNIGHT, true);
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    expect(of.used(MIDNIGHT)).toBe(2);
    const another = quota();
    another.giveBack(another.begin(MIDNIGHT));
    another.fail(another.begin(MIDNIGHT), MIDNIGHT, false);
    expect(another.used(MIDNIGHT)).toBe(0);
    another.begin(MIDNIGHT);
    expect(another.used(MIDNIGHT)).toBe(1);
  });

  test('where nobody counts there is no end', () => {
    const of = quota({ dailyRequests: undefined });
    for (let index = 0; index < 1_000; index += 1) of.succeed(of.begin(MIDNIGHT));
    expect(of.left(MIDNIGHT)).toBe(Infinity);
    expect(of.exhausted(MIDNIGHT)).toBeUndefined();
    expect(of.used(MIDNIGHT)).toBe(1_000);
  });

  test('over days without a word of the provider exactly as many requests pass a day as are usable', () => {
    const of = quota({ rule: '00:00 America/Los_Angeles' });
    // The second of these nights the clocks change: that day has 25 hours.
    const from = Date.parse('2026-10-31T07:00Z');
    const passed = sendAlways(of, from, 4 * 1_440, () => 'ok');
    const perDay = (begin: number, end: number): number =>
      passed.filter((minute) => minute >= begin && minute < end).length;
    expect(perDay(0, 1_440)).toBe(95);
    expect(perDay(1_440, 2_940)).toBe(95);
    expect(perDay(2_940, 4_380)).toBe(95);
    expect(passed.find((minute) => minute >= 1_440)).toBe(1_440);
    expect(passed.find((minute) => minute >= 2_940)).toBe(2_940);
  });

  test('a rolling one takes the next request when enough of them are a day old', () => {
    const of = quota({ dailyRequests: 10, marginPercent: 0, rule: 'rolling' });
    const passed = sendAlways(of, MIDNIGHT, 3 * 1_440, () => 'ok');
    expect(passed.slice(0, 12)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1_455, 1_456]);
    for (const minute of passed) {
      expect(passed.filter((other) => other <= minute && other > minute - 1_440).length).toBeLessThanOrEqual(10);
    }
    expect(of.resetAt(MIDNIGHT + 3 * DAY_MS)).toBeGreaterThan(MIDNIGHT + 3 * DAY_MS);
    expect(quota({ rule: 'rolling' }).resetAt(MIDNIGHT)).toBe(Infinity);
  });
});

describe('called used up', () => {
  test('it is asked after 10, 20 and 40 minutes, then every hour and at the reset, and nothing passes in between', () => {
    const of = quota();
    // Refused at 18:00 for the first time, and until half past midnight.
    const from = MIDNIGHT + 18 * HOUR_MS;
    const passed = sendAlways(of, from, 8 * 60, (minute) => (minute < 390 ? 'used up' : 'ok'));
    const asked = passed.filter((minute) => minute <= 420);
    expect(asked).toEqual([0, 10, 30, 70, 130, 190, 250, 310, 360, 420]);
    // The first success ended it.
    expect(passed.slice(asked.length, asked.length + 3)).toEqual([421, 422, 423]);
    expect(of.exhausted(from + 421 * MINUTE_MS)).toBeUndefined();
  });

  test('after a whole day the gaps grow to six hours', () => {
    const of = quota();
    const passed = sendAlways(of, MIDNIGHT, 4 * 1_440, () => 'used up');
    const days = [0, 1, 2, 3].map((day) =>
      passed.filter((minute) => minute >= day * 1_440 && minute < (day + 1) * 1_440),
    );
    expect(days[0]).toEqual([0, 10, 30, 70, ...Array.from({ length: 22 }, (_, hour) => 130 + hour * 60)]);
    expect(days[1]!.map((minute) => minute - 1_440)).toEqual([0, 120, 360, 720, 1_080]);
    expect(days[2]!.map((minute) => minute - 2_880)).toEqual([0, 360, 720, 1_080]);
    expect(days[3]!.map((minute) => minute - 4_320)).toEqual([0, 360, 720, 1_080]);
  });

  test('the reset that was learned is kept, over the next days and over summer time', () => {
    const of = quota({ rule: '00:00 America/Los_Angeles', marginPercent: 0 });
    // The provider counts from 09:00 of the same zone on and takes 100 a day, of which somebody else has used 60.
    const reset = (minute: number): number => (minute < 2_940 ? 540 : 600);
    let used = 60;
    let day = -1;
    const refused: number[] = [];
    const provider = (minute: number): Answer => {
      const today = Math.floor((minute - reset(minute)) / 1_440);
      if (today !== day) [day, used] = [today, 0];
      used += 1;
      if (used <= 100) return 'ok';
      refused.push(minute);
      return 'used up';
    };
    const from = Date.parse('2026-10-31T07:00Z');
    sendAlways(of, from, 6 * 1_440, provider);
    // Midnight is taken for the reset at first; after it was learned nobody is refused any more.
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(30);
    expect(Math.max(...refused)).toBeLessThan(2 * 1_440);
    const learned = of.save(from + 6 * DAY_MS).offsetMs;
    expect(learned).toBeGreaterThanOrEqual(9 * HOUR_MS);
    expect(learned).toBeLessThanOrEqual(10 * HOUR_MS);
  });

  test('a request that came to nothing for another reason is repeated after a minute, then after twice the time', () => {
    const of = quota();
    const from = MIDNIGHT + HOUR_MS;
    const passed = sendAlways(of, from, 5 * 60, (minute) => (minute === 0 ? 'used up' : 'broken'));
    expect(passed).toEqual([0, 10, 11, 13, 17, 25, 41, 73, 133, 193, 253]);
  });

  test('a refusal ends such a row', () => {
    const said: Record<number, Answer> = { 0: 'used up', 13: 'used up' };
    const passed = sendAlways(quota(), MIDNIGHT + HOUR_MS, 40, (minute) => said[minute] ?? 'broken');
    expect(passed).toEqual([0, 10, 11, 13, 33, 34, 36]);
  });

  test('one that did not leave this machine does not lengthen that', () => {
    const of = quota();
    const from = MIDNIGHT + HOUR_MS;
    const passed = sendAlways(of, from, 20, (minute) => (minute === 0 ? 'used up' : 'not reached'));
    expect(passed).toEqual([0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(of.used(from + HOUR_MS)).toBe(1);
  });

  test('one that was given back before it was sent may pass at once', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const due = MIDNIGHT + 10 * MINUTE_MS;
    const attempt = of.begin(due);
    expect(of.left(due)).toBe(0);
    expect(of.nextAt(due)).toBe(due);
    of.giveBack(attempt);
    expect(of.left(due)).toBe(1);
    expect(of.used(due)).toBe(1);
  });

  test('requests that were under way when it was refused neither end that nor count as asked', () => {
    const of = quota();
    const [one, two, three] = [of.begin(MIDNIGHT), of.begin(MIDNIGHT), of.begin(MIDNIGHT)];
    expect(of.refuse(one, MIDNIGHT + 1_000)).toBe(true);
    expect(of.refuse(two, MIDNIGHT + 2_000)).toBe(false);
    expect(of.succeed(three)).toBe(false);
    expect(of.exhausted(MIDNIGHT + 3_000)).toBe('told');
    expect(of.nextAt(MIDNIGHT + 3_000)).toBe(MIDNIGHT + 1_000 + 10 * MINUTE_MS);
  });

  test('nor does one that failed lengthen the wait', () => {
    const of = quota();
    const [one, two] = [of.begin(MIDNIGHT), of.begin(MIDNIGHT)];
    of.refuse(one, MIDNIGHT);
    of.fail(two, MIDNIGHT + 5 * MINUTE_MS, true);
    expect(of.nextAt(MIDNIGHT + 5 * MINUTE_MS)).toBe(MIDNIGHT + 10 * MINUTE_MS);
  });

  test('when an end is expected: at the reset; once that has passed, when it is asked next', () => {
    const of = quota();
    const before = MIDNIGHT - 30 * MINUTE_MS;
    of.refuse(of.begin(before), before);
    expect(of.resetAt(before)).toBe(MIDNIGHT);
    const asked = MIDNIGHT - 20 * MINUTE_MS;
    of.refuse(of.begin(asked), asked);
    expect(of.nextAt(asked)).toBe(MIDNIGHT);
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    expect(of.resetAt(MIDNIGHT)).toBe(MIDNIGHT + 40 * MINUTE_MS);
    const rolling = quota({ rule: 'rolling' });
    rolling.refuse(rolling.begin(MIDNIGHT), MIDNIGHT);
    expect(rolling.resetAt(MIDNIGHT)).toBe(MIDNIGHT + 10 * MINUTE_MS);
  });

  test('counted out as well, it is asked all the same, and a success begins the new count', () => {
    const of = quota({ dailyRequests: 2, marginPercent: 0 });
    const noon = MIDNIGHT + 12 * HOUR_MS;
    of.succeed(of.begin(noon));
    of.refuse(of.begin(noon), noon);
    expect(of.exhausted(noon)).toBe('told');
    const due = of.nextAt(noon);
    of.succeed(of.begin(due));
    expect(of.exhausted(due)).toBeUndefined();
    expect(of.used(due)).toBe(1);
    expect(of.resetAt(due)).toBe(due + DAY_MS);
  });
});

describe('a clock that jumps', () => {
  test('back by days never blocks for longer than the longest gap', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const back = MIDNIGHT - 30 * DAY_MS;
    expect(of.left(back)).toBe(0);
    expect(of.nextAt(back)).toBeLessThanOrEqual(back + 6 * HOUR_MS);
    expect(of.resetAt(back)).toBeLessThanOrEqual(back + DAY_MS);
    const due = of.nextAt(back);
    expect(of.left(due)).toBe(1);
    expect(of.succeed(of.begin(due))).toBe(true);
  });

  test('ahead lets one request pass, not many', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const ahead = MIDNIGHT + 30 * DAY_MS;
    expect(of.left(ahead)).toBe(1);
    of.begin(ahead);
    expect(of.left(ahead)).toBe(0);
  });

  test('back while a request is under way teaches nothing', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const attempt = of.begin(MIDNIGHT - DAY_MS + 5 * HOUR_MS);
    expect(of.succeed(attempt)).toBe(true);
    expect(of.save(MIDNIGHT).offsetMs).toBe(0);
  });
});

describe('kept over a restart', () => {
  const restarted = (of: Quota, now: number, to = quota()): Quota => {
    to.restore(JSON.parse(JSON.stringify(of.save(now))) as ReturnType<Quota['save']>, now);
    return to;
  };

  test('the count goes on, and what was sent before it was loaded is added', () => {
    const of = quota();
    for (let index = 0; index < 50; index += 1) of.succeed(of.begin(MIDNIGHT));
    const to = quota();
    to.begin(MIDNIGHT + HOUR_MS);
    expect(restarted(of, MIDNIGHT + HOUR_MS, to).left(MIDNIGHT + HOUR_MS)).toBe(95 - 51);
  });

  test('in the middle of being used up it is asked when it would have been', () => {
    const provider = (minute: number): Answer => (minute < 300 ? 'used up' : 'ok');
    const whole = sendAlways(quota(), MIDNIGHT + HOUR_MS, 400, provider);
    const first = quota();
    const from = MIDNIGHT + HOUR_MS;
    const until100 = sendAlways(first, from, 100, provider);
    const second = restarted(first, from + 100 * MINUTE_MS);
    const rest = sendAlways(second, from + 100 * MINUTE_MS, 300, (minute) => provider(minute + 100));
    expect([...until100, ...rest.map((minute) => minute + 100)]).toEqual(whole);
  });

  test('a success since the start is newer than what was kept', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const to = quota();
    to.succeed(to.begin(MIDNIGHT + 1_000));
    expect(restarted(of, MIDNIGHT + 1_000, to).exhausted(MIDNIGHT + 1_000)).toBeUndefined();
  });

  test('and so is a refusal, whose times stay', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const to = quota();
    to.refuse(to.begin(MIDNIGHT + 1_000), MIDNIGHT + 1_000);
    expect(restarted(of, MIDNIGHT + 1_000, to).nextAt(MIDNIGHT + 1_000)).toBe(MIDNIGHT + 1_000 + 10 * MINUTE_MS);
  });

  test('a request that was under way when it was loaded does not end what was kept', () => {
    const of = quota();
    of.refuse(of.begin(MIDNIGHT), MIDNIGHT);
    const to = quota();
    const attempt = to.begin(MIDNIGHT + 1_000);
    restarted(of, MIDNIGHT + 1_000, to);
    expect(to.succeed(attempt)).toBe(false);
    expect(to.exhausted(MIDNIGHT + 1_000)).toBe('told');
  });

  test('kept times to come are of a clock that was ahead', () => {
    const to = quota();
    const probes = { since: MIDNIGHT + 90 * DAY_MS, refusedAt: MIDNIGHT + 90 * DAY_MS, gapMs: 1e9, nextAt: 1e14 };
    to.restore({ counts: [], offsetMs: 0, probes }, MIDNIGHT);
    expect(to.nextAt(MIDNIGHT)).toBeLessThanOrEqual(MIDNIGHT + 6 * HOUR_MS);
    expect(to.resetAt(MIDNIGHT)).toBeLessThanOrEqual(MIDNIGHT + DAY_MS);
  });
});

test('against a provider that counts by the same rule, no request is ever refused, however it is used', () => {
  const usage = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 5 * HOUR_MS }),
      requests: fc.integer({ min: 0, max: 30 }),
      restart: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(usage, fc.constantFrom('rolling', '00:00 UTC'), (list, rule) => {
      let of = quota({ dailyRequests: 20, rule });
      let now = MIDNIGHT;
      const sent: number[] = [];
      for (const { waitMs, requests, restart } of list) {
        now += waitMs;
        if (restart) {
          const kept = of.save(now);
          of = quota({ dailyRequests: 20, rule });
          of.restore(kept, now);
        }
        for (let index = 0; index < requests && of.left(now) > 0; index += 1) {
          const begin = rule === 'rolling' ? now - DAY_MS : Math.floor(now / DAY_MS) * DAY_MS - 1;
          sent.push(now);
          expect(sent.filter((at) => at > begin).length).toBeLessThanOrEqual(19);
          of.succeed(of.begin(now));
        }
      }
    }),
    { numRuns: 200 },
  );
});

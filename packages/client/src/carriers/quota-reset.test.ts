import { describe, expect, test } from 'vitest';
import { DAY_MS, DailyResets, parseResetRule } from './quota-reset.js';

const MINUTE_MS = 60_000;

/** Local date and time of a zone as text that sorts, found in another way than the code under test does. */
function localText(zone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  return (at) => format.format(at);
}

/** The first minute of each local day at which the clocks show `time` or later, by looking at every minute. */
function resetsByLooking(zone: string, time: string, from: number, to: number): number[] {
  const local = localText(zone);
  const resets: number[] = [];
  let before = local(from - MINUTE_MS);
  let highest = before;
  for (let at = from; at < to; at += MINUTE_MS) {
    const shown = local(at);
    // All days whose time lies between what was shown at most so far and what is shown now.
    if (shown > highest) {
      for (let day = Date.parse(`${highest.slice(0, 10)}T00:00Z`); ; day += DAY_MS) {
        const wanted = `${new Date(day).toISOString().slice(0, 10)} ${time}`;
        if (wanted > shown) break;
        if (wanted > highest) resets.push(at);
      }
      highest = shown;
    }
    before = shown;
  }
  expect(before).not.toBe('');
  return resets;
}

describe('the rule', () => {
  test('is a time and a zone, or rolling', () => {
    expect(parseResetRule('rolling')).toEqual({ kind: 'rolling' });
    expect(parseResetRule('00:00 UTC')).toEqual({ kind: 'daily', minutes: 0, zone: 'UTC' });
    expect(parseResetRule('23:59 America/Los_Angeles')).toEqual({
      kind: 'daily',
      minutes: 1_439,
      zone: 'America/Los_Angeles',
    });
  });

  test.each(['', 'daily', '24:00 UTC', '12:60 UTC', '1:00 UTC', '00:00', '00:00 ', '00:00 Nowhere/City', ' 00:00 UTC'])(
    '%j is none',
    (text) => {
      expect(parseResetRule(text)).toBeUndefined();
    },
  );
});

describe('resets', () => {
  test.each([
    ['America/Los_Angeles', '00:00', '2026-03-06', 'summer time begins'],
    ['America/Los_Angeles', '02:30', '2026-03-06', 'the day skips the time'],
    ['America/Los_Angeles', '02:00', '2026-03-06', 'the day skips the time from its first minute on'],
    ['America/Los_Angeles', '03:00', '2026-03-06', 'the time is the first after the skip'],
    ['America/Los_Angeles', '01:30', '2026-10-30', 'the day has the time twice'],
    ['America/Los_Angeles', '01:00', '2026-10-30', 'the time is the first that comes twice'],
    ['Europe/Berlin', '02:15', '2026-10-23', 'the day has the time twice'],
    ['Europe/Berlin', '02:15', '2026-03-27', 'the day skips the time'],
    ['Australia/Lord_Howe', '02:10', '2026-10-02', 'half an hour is skipped'],
    ['America/Sao_Paulo', '00:00', '2018-11-02', 'midnight is skipped'],
    ['America/Sao_Paulo', '23:30', '2018-02-15', 'the day before has the time twice'],
    ['Pacific/Apia', '12:00', '2011-12-28', 'a whole day is skipped'],
    ['Asia/Kathmandu', '07:45', '2026-05-01', 'an offset that is no whole hour'],
    ['Pacific/Kiritimati', '00:00', '2026-05-01', 'the earliest zone'],
    ['Pacific/Pago_Pago', '23:59', '2026-05-01', 'the latest zone'],
  ])('%s %s from %s on: %s', (zone, time, day) => {
    const from = Date.parse(`${day}T00:00Z`);
    const to = from + 5 * DAY_MS;
    const expected = resetsByLooking(zone, time, from - 2 * DAY_MS, to + 2 * DAY_MS);
    const rule = parseResetRule(`${time} ${zone}`) as { minutes: number; zone: string };
    const resets = new DailyResets(rule);
    for (let at = from; at < to; at += 7 * MINUTE_MS) {
      const { last, next } = resets.around(at);
      expect(last).toBe(Math.max(...expected.filter((reset) => reset <= at)));
      expect(next).toBe(Math.min(...expected.filter((reset) => reset > at)));
    }
    for (const reset of expected.filter((each) => each >= from && each < to)) {
      expect(resets.around(reset).last).toBe(reset);
      expect(resets.around(reset - 1).next).toBe(reset);
    }
  });

  test('a day is 23 or 25 hours long when the clocks change', () => {
    const resets = new DailyResets({ minutes: 0, zone: 'America/Los_Angeles' });
    const length = (day: string): number => {
      const { last, next } = resets.around(Date.parse(`${day}T20:00Z`));
      return (next - last) / 3_600_000;
    };
    expect([length('2026-03-08'), length('2026-03-09'), length('2026-11-01')]).toEqual([23, 24, 25]);
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCount, type QuotaCount } from './quota-count.js';
import { DAY_MS, DailyResets, parseResetRule, type ResetRule } from './quota-reset.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const START = Date.parse('2026-10-30T12:34:56.789Z');

const rule = (text: string): ResetRule => parseResetRule(text) as ResetRule;

type Step = readonly ['wait', number] | readonly ['send'] | readonly ['take back'] | readonly ['restart'];

/** What happens to a count. Waits of minutes to days, on the average as long as a quarter of a day. */
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constant('wait' as const), fc.integer({ min: 0, max: 40 * MINUTE_MS })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('wait' as const), fc.integer({ min: 0, max: 26 * HOUR_MS })) },
    { weight: 4, arbitrary: fc.constant(['send'] as const) },
    { weight: 1, arbitrary: fc.constant(['take back'] as const) },
    { weight: 1, arbitrary: fc.constant(['restart'] as const) },
  ),
  { maxLength: 200 },
);

/** Runs the steps, and calls `check` after each with the times of all requests. */
function run(
  of: ResetRule,
  list: readonly Step[],
  check: (count: QuotaCount, now: number, sent: readonly number[]) => void,
) {
  let count = createCount(of);
  let now = START;
  const sent: number[] = [];
  let takeBack: (() => void) | undefined;
  for (const step of list) {
    if (step[0] === 'wait') now += step[1];
    if (step[0] === 'send') {
      takeBack = count.add(now);
      sent.push(now);
    }
    if (step[0] === 'take back' && takeBack !== undefined) {
      takeBack();
      takeBack = undefined;
      sent.pop();
    }
    if (step[0] === 'restart') {
      const kept = JSON.parse(JSON.stringify(count.save(now))) as ReturnType<QuotaCount['save']>;
      count = createCount(of);
      count.restore(kept, now);
      takeBack = undefined;
    }
    check(count, now, sent);
  }
}

describe('a daily count', () => {
  test('is of the requests since the last reset, whatever happens', () => {
    const of = rule('00:00 America/Los_Angeles');
    const resets = new DailyResets(of as { minutes: number; zone: string });
    fc.assert(
      fc.property(steps, (list) => {
        run(of, list, (count, now, sent) => {
          const { last, next } = resets.around(now);
          const used = sent.filter((at) => at >= last).length;
          expect(count.used(now)).toBe(used);
          expect(count.nextReset(now)).toBe(next);
          expect(count.below(used + 1, now)).toBe(now);
          if (used > 0) expect(count.below(used, now)).toBe(next);
        });
      }),
      { numRuns: 200 },
    );
  });

  test('a clock that is set back over a reset takes nothing away, and one that is set ahead begins a day', () => {
    const count = createCount(rule('00:00 UTC'));
    const midnight = Date.parse('2026-05-02T00:00Z');
    count.add(midnight + 1_000);
    count.add(midnight + 2_000);
    expect(count.used(midnight - 5_000)).toBe(2);
    count.add(midnight - 4_000);
    expect(count.used(midnight - 1)).toBe(3);
    expect(count.used(midnight)).toBe(0);
    expect(count.used(midnight + 30 * DAY_MS)).toBe(0);
    expect(count.nextReset(midnight + 30 * DAY_MS)).toBe(midnight + 31 * DAY_MS);
    count.add(midnight + 30 * DAY_MS);
    expect(count.used(midnight)).toBe(1);
    expect(count.nextReset(midnight)).toBe(midnight + DAY_MS);
  });

  test('what is taken back after a reset is not taken off the new day', () => {
    const count = createCount(rule('00:00 UTC'));
    const midnight = Date.parse('2026-05-02T00:00Z');
    const takeBack = count.add(midnight - 1);
    count.add(midnight);
    takeBack();
    expect(count.used(midnight)).toBe(1);
  });

  test('learns that the reset is later or earlier than the rule says, by the request that was taken', () => {
    const midnight = Date.parse('2026-05-02T00:00Z');
    for (const [refusedAt, takenAt] of [
      [midnight + 6 * HOUR_MS, midnight + 7 * HOUR_MS],
      [midnight + 19 * HOUR_MS, midnight + 20 * HOUR_MS],
    ] as const) {
      const count = createCount(rule('00:00 UTC'));
      for (let index = 0; index < 10; index += 1) count.add(refusedAt);
      count.add(takenAt);
      count.learn(refusedAt, takenAt);
      expect(count.used(takenAt)).toBe(1);
      expect(count.nextReset(takenAt)).toBe(takenAt + DAY_MS);
      const kept = count.save(takenAt);
      expect(count.used(takenAt + DAY_MS - 1)).toBe(1);
      expect(count.used(takenAt + DAY_MS)).toBe(0);
      expect(Math.abs(kept.offsetMs)).toBeLessThanOrEqual(DAY_MS / 2);
      const after = createCount(rule('00:00 UTC'));
      after.restore(kept, takenAt + HOUR_MS);
      expect(after.used(takenAt + HOUR_MS)).toBe(1);
      expect(after.nextReset(takenAt + HOUR_MS)).toBe(takenAt + DAY_MS);
    }
  });

  test('learns nothing when the reset that was expected may be the one that came', () => {
    const midnight = Date.parse('2026-05-02T00:00Z');
    const count = createCount(rule('00:00 UTC'));
    count.learn(midnight - HOUR_MS, midnight);
    expect(count.save(midnight).offsetMs).toBe(0);
    count.learn(midnight - 10 * HOUR_MS, midnight + 10 * HOUR_MS);
    expect(count.save(midnight).offsetMs).toBe(0);
    // Nor is a success at once taken for a reset a day late.
    count.learn(midnight, midnight + 1);
    expect(count.save(midnight).offsetMs).toBe(1);
  });

  test('a count of yesterday is not restored, and one made meanwhile is added to', () => {
    const midnight = Date.parse('2026-05-02T00:00Z');
    const before = createCount(rule('00:00 UTC'));
    for (let index = 0; index < 5; index += 1) before.add(midnight - 1);
    const tomorrow = createCount(rule('00:00 UTC'));
    tomorrow.add(midnight);
    tomorrow.restore(before.save(midnight - 1), midnight);
    expect(tomorrow.used(midnight)).toBe(1);
    const soon = createCount(rule('00:00 UTC'));
    soon.add(midnight - 1);
    soon.restore(before.save(midnight - 1), midnight - 1);
    expect(soon.used(midnight - 1)).toBe(6);
  });

  test('what was learned since the start is not replaced by what was kept', () => {
    const midnight = Date.parse('2026-05-02T00:00Z');
    const count = createCount(rule('00:00 UTC'));
    count.learn(midnight + HOUR_MS, midnight + 2 * HOUR_MS);
    count.restore({ counts: [], offsetMs: 5 * HOUR_MS }, midnight + 3 * HOUR_MS);
    expect(count.nextReset(midnight + 3 * HOUR_MS)).toBe(midnight + 26 * HOUR_MS);
  });
});

describe('a rolling count', () => {
  test('has every request of the last day, and none that is a quarter of an hour older', () => {
    fc.assert(
      fc.property(steps, (list) => {
        run({ kind: 'rolling' }, list, (count, now, sent) => {
          const used = count.used(now);
          expect(used).toBeGreaterThanOrEqual(sent.filter((at) => at > now - DAY_MS).length);
          expect(used).toBeLessThanOrEqual(sent.filter((at) => at > now - DAY_MS - 15 * MINUTE_MS).length);
          expect(count.below(used + 1, now)).toBe(now);
          if (used === 0) return;
          for (const limit of [used, Math.ceil(used / 2), 1]) {
            const at = count.below(limit, now);
            expect(at).toBeGreaterThan(now);
            expect(at).toBeLessThanOrEqual(now + DAY_MS + 15 * MINUTE_MS);
            const later = createCount({ kind: 'rolling' });
            later.restore(count.save(now), now);
            expect(later.used(at - 1)).toBeGreaterThanOrEqual(limit);
            expect(later.used(at)).toBeLessThan(limit);
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  test('a clock that is set back keeps everything, for no longer than a day', () => {
    const count = createCount({ kind: 'rolling' });
    for (let hour = 0; hour < 20; hour += 1) count.add(START + hour * HOUR_MS);
    const back = START - 40 * DAY_MS;
    expect(count.used(back)).toBe(20);
    expect(count.used(back + DAY_MS + 15 * MINUTE_MS)).toBe(0);
    expect(count.used(START + 400 * DAY_MS)).toBe(0);
  });

  test('what is taken back after the clock was set back never makes a count negative', () => {
    const count = createCount({ kind: 'rolling' });
    const takeBack = count.add(START);
    count.used(START - DAY_MS);
    takeBack();
    expect(count.used(START - DAY_MS)).toBe(1);
    const again = count.add(START);
    expect(count.used(START + 3 * DAY_MS)).toBe(0);
    again();
    expect(count.used(START + 3 * DAY_MS)).toBe(0);
  });

  test('kept times to come count from now on, those of long ago not at all', () => {
    const count = createCount({ kind: 'rolling' });
    const counts = [
      [START + 9 * DAY_MS, 3],
      [START - 2 * DAY_MS, 5],
    ] as const;
    count.restore({ counts, offsetMs: 0 }, START);
    expect(count.used(START)).toBe(3);
    expect(count.used(START + DAY_MS + 15 * MINUTE_MS)).toBe(0);
  });

  test('its size does not grow with requests', () => {
    const count = createCount({ kind: 'rolling' });
    for (let index = 0; index < 10_000; index += 1) count.add(START + index * MINUTE_MS);
    expect(count.save(START + 10_000 * MINUTE_MS).counts.length).toBeLessThanOrEqual(97);
  });
});

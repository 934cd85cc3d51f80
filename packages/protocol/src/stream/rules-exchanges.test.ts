import { expect, test } from 'vitest';

import { ExchangeRate } from './exchange-rate.js';
import { ExchangeWindow } from './exchange-window.js';
import { expectSooner, forgive, overtake, type Exchange } from './exchange.js';
import { QuickMessages } from './quick.js';
import type { Stream } from './stream.js';
import { Sustained } from './sustained.js';

const MIB = 1_048_576;
const round = (rate: number, limited = true) => ({ rate, limited });

/** An answer with a body of bulk. */
const BODY = { bytes: MIB, sampleMs: 300, baseMs: 100, limited: true, timed: true };

/** A window past its start, at 10 bytes per µs and 100 ms. */
function settled(): ExchangeWindow {
  const window = new ExchangeWindow();
  window.base(100);
  window.used(MIB);
  for (let count = 0; count < 5; count++) window.onRound(round(10_000), 100, 10_000);
  expect(window.starting).toBe(false);
  return window;
}

test('R12: the window grows by what is delivered until the rate no longer grows, then follows rate and round trip', () => {
  const window = new ExchangeWindow();
  window.base(200);
  const first = window.bytes;
  window.used(MIB);
  window.onRound(round(5000), 200, 5000);
  window.answered({ ...BODY, sampleMs: 300, baseMs: 200 });
  expect(window.bytes).toBe(first + MIB);
  window.answered({ ...BODY, sampleMs: 300, baseMs: 200, limited: false });
  expect(window.bytes).toBe(first + MIB);
  expect(settled().bytes).toBe(1.25 * 10_000 * 100 + 4 * MIB);
});

test('R12: the start ends as soon as a queue stands', () => {
  const window = new ExchangeWindow();
  window.base(100);
  window.used(MIB);
  window.onRound(round(10_000), 100, 10_000);
  window.answered({ ...BODY, sampleMs: 2000 });
  expect(window.starting).toBe(false);
});

test('R12: bodies follow the rate, are larger where places are few, and small beside small messages', () => {
  const window = settled();
  for (let count = 0; count < 12; count++) window.answered(BODY);
  expect(window.bodyBytes(4 * MIB, 100, 30, false)).toBe(1_000_000);
  expect(window.bodyBytes(4 * MIB, 100, 2, false)).toBe(4 * MIB);
  expect(window.bodyBytes(4 * MIB, 4000, 30, false)).toBe(4 * MIB);
  expect(window.bodyBytes(4 * MIB, 50, 30, true)).toBe(120_000);
  expect(window.bodyBytes(32_768, 50, 30, true)).toBe(32_768);
});

test('R12: after a rest bodies begin small, but for short ways, and grow with each answer', () => {
  const window = settled();
  expect(window.bodyBytes(4 * MIB, 100, 30, false)).toBe(300_000);
  expect(window.bodyBytes(4 * MIB, 1, 30, false)).toBe(1_000_000);
  window.answered(BODY);
  expect(window.bodyBytes(4 * MIB, 100, 30, false)).toBe(390_000);
  window.rested();
  expect(window.bodyBytes(4 * MIB, 100, 30, false)).toBe(300_000);
});

test('R12: the pace is above the rate while no queue stands, and below it while one does', () => {
  const window = settled();
  expect(window.paceRate).toBeGreaterThan(10_000);
  // On two legs a body takes twice its time at the rate; what it takes beyond is the queue.
  const bodyMs = MIB / 10_000;
  for (let count = 0; count < 10; count++) window.answered({ ...BODY, sampleMs: 100 + 4 * bodyMs });
  const queued = window.paceRate;
  expect(queued).toBeLessThan(10_000);
  for (let count = 0; count < 10; count++) window.answered({ ...BODY, sampleMs: 100 + 9 * bodyMs });
  expect(window.paceRate).toBeLessThan(queued);
  for (let count = 0; count < 10; count++) window.answered({ ...BODY, sampleMs: 100 + 2 * bodyMs });
  expect(window.paceRate).toBeGreaterThan(10_000);
  window.answered({ ...BODY, sampleMs: 100 + bodyMs });
  expect(window.paceRate).toBe(15_000);
  expect(window.unsure).toBe(true);
});

test('R12: the first body tells a rate to begin with', () => {
  const window = new ExchangeWindow();
  window.base(100);
  const first = window.paceRate;
  window.answered({ ...BODY, bytes: 262_144, sampleMs: 1100, limited: false });
  expect(window.paceRate).toBe(first / 4);
  window.answered({ ...BODY, bytes: 262_144, sampleMs: 110, limited: false });
  expect(window.paceRate).toBeCloseTo((1.25 * 2 * 262_144) / 10);
});

test('R12: the rate of an exchange is that of all that arrived meanwhile, not more than was sent in its time', () => {
  const rate = new ExchangeRate();
  const first = rate.start(0, true);
  rate.noteLimited();
  expect(rate.delivered(first, 0, 1000, 100, true)).toEqual({ rate: 10, limited: true });
  const [second, third] = [rate.start(100, false), rate.start(200, false)];
  rate.noteLimited();
  // Both arrive within 10 ms of each other, but were sent 100 ms apart.
  expect(rate.delivered(second, 100, 1000, 200, true)?.rate).toBe(10);
  rate.noteLimited();
  expect(rate.delivered(third, 200, 1000, 210, true)).toBeUndefined();
  const last = rate.start(210, false);
  expect(rate.delivered(last, 300, 1000, 310, true)).toEqual({ rate: 10, limited: true });
  expect(rate.best).toBe(10);
});

function exchange(n: number, sentAt: number, given: Partial<Exchange> = {}): Exchange {
  return {
    n,
    record: {} as Exchange['record'],
    sentAt,
    holdMs: 0,
    maxBytes: 0,
    flightBytes: 1000,
    stamp: { bytes: 0, at: 0, sentAt: 0 },
    hedgeAt: 10_000,
    patienceAt: 20_000,
    hedged: false,
    overtaken: false,
    forgiven: false,
    ...given,
  };
}

test('R11: an exchange is overtaken only by what was sent well after it and could not be answered earlier', () => {
  const old = exchange(0, 0);
  const held = exchange(1, 0, { holdMs: 30_000 });
  const near = exchange(2, 190);
  const answered = exchange(3, 200);
  overtake([old, held, near], answered, 300, { orderMs: 50, movedBytes: 500, rate: 10 });
  expect([old, held, near].map(({ overtaken }) => overtaken)).toEqual([true, false, false]);
  expect(old.hedgeAt).toBe(300 + 50 + 100);
  expect(held.hedgeAt).toBe(10_000);
});

test('R11: what is due when this end was late itself gets as long again, once', () => {
  const due = exchange(0, 0, { hedgeAt: 100 });
  forgive([due], 150, 50);
  expect(due.hedgeAt).toBe(200);
  forgive([due], 250, 50);
  expect(due.hedgeAt).toBe(200);
  const cold = exchange(1, 0);
  expectSooner([cold], 500, { waitMs: 300, rate: 10 });
  expect(cold.hedgeAt).toBe(500);
});

test('R12: small messages count beside bulk only, and what turns out to be bulk is none', () => {
  const stream = (sid: number) => ({ sid, movedBytes: 0, movedAt: Number.NEGATIVE_INFINITY }) as Stream;
  const quick = new QuickMessages();
  const [bulk, small] = [stream(1), stream(2)];
  quick.note(bulk, 1000, 0);
  quick.note(bulk, 100_000, 1);
  expect(quick.besideBulk(2, 10)).toBe(false);
  quick.note(small, 10, 100);
  expect(quick.besideBulk(101, 10)).toBe(true);
  expect(quick.besideBulk(10_000, 10)).toBe(false);
});

test('R7: a transfer lasts when it moved much within a short time', () => {
  const sent = new Sustained();
  sent.add(MIB + 1, 0);
  expect(sent.lasts(0)).toBe(true);
  expect(sent.lasts(100)).toBe(false);
});

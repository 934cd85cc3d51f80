import { expect, test } from 'vitest';

import { ExchangeRate } from './exchange-rate.js';
import { ExchangeWindow } from './exchange-window.js';
import { expectSooner, forgive, overtake, type Exchange } from './exchange.js';
import { resolvePathOptions, resolveStreamOptions } from './options.js';
import type { PacketRecord } from './packet-records.js';
import { QuickMessages } from './quick.js';
import { RelayPath } from './relay-path.js';
import { Pair } from './sim/pair.js';
import type { Stream } from './stream.js';
import { Sustained } from './sustained.js';

const MIB = 1_048_576;
const round = (rate: number, limited = true) => ({ rate, limited });

/** An answer with a body of bulk. */
const BODY = { bytes: MIB, sampleMs: 320, baseMs: 100, limited: true, timed: true };

/** A window past its start, at 10 bytes per µs and 100 ms. */
function settled(): ExchangeWindow {
  const window = new ExchangeWindow();
  window.base(100);
  window.used(MIB);
  window.answered({ ...BODY, sampleMs: 100 + (2 * MIB) / 10_000, limited: false });
  for (let count = 0; count < 5; count++) window.onRound(round(10_000), 100, 10_000);
  expect(window.starting).toBe(false);
  window.rested();
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
  expect(settled().bytes).toBe(1.1 * 10_000 * 100 + 3 * MIB);
});

test('R12: the start ends when the rate grows no more', () => {
  const window = new ExchangeWindow();
  window.base(100);
  for (let count = 0; count < 4; count++) {
    expect(window.starting).toBe(true);
    window.onRound(round(10_000), 100, 10_000);
  }
  expect(window.starting).toBe(false);
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
  // Bodies are quicker than the rate explains: they are believed, while they are.
  for (let count = 0; count < 3; count++) window.answered({ ...BODY, sampleMs: 100 + 0.8 * bodyMs });
  expect(window.paceRate).toBeCloseTo(1.02 * 25_000);
  for (let count = 0; count < 9; count++) window.answered({ ...BODY, sampleMs: 100 + 4 * bodyMs });
  expect(window.paceRate).toBeLessThan(12_500);
});

test('R12: the first body tells a rate to begin with', () => {
  const window = new ExchangeWindow();
  window.base(100);
  const first = window.paceRate;
  window.answered({ ...BODY, bytes: 262_144, sampleMs: 1100, limited: false });
  expect(window.paceRate).toBe(first / 4);
  window.answered({ ...BODY, bytes: 262_144, sampleMs: 110, limited: false });
  expect(window.paceRate).toBeCloseTo((1.02 * 2 * 262_144) / 10);
});

test('R12: a rate is not believed that is higher than the quickest body tells', () => {
  const window = new ExchangeWindow();
  window.base(100);
  // Alone, a body takes its time on each of two legs.
  window.answered({ ...BODY, sampleMs: 100 + (2 * MIB) / 10_000 });
  for (let round = 0; round < 5; round++) window.onRound({ rate: 30_000, limited: true }, 100, 30_000);
  expect(window.starting).toBe(false);
  expect(window.rate).toBe(10_000);
  // The way was shorter than it seemed.
  window.answered({ ...BODY, baseMs: 50, sampleMs: 100 + (2 * MIB) / 10_000 });
  expect(window.rate).toBeLessThan(10_000);
});

test('R12: what is lost at any rate does not lower the rate', () => {
  const rate = new ExchangeRate();
  const first = rate.start(0, true);
  const second = rate.start(0, false);
  rate.noteLimited();
  rate.lost(1000);
  expect(rate.delivered(first, 0, 1000, 100, true)?.rate).toBe(20);
  expect(second.bytes).toBe(0);
});

test('R12: the empty answer to a request that came twice does not tell of a short way', () => {
  const relay = new RelayPath('relay', resolvePathOptions({ paired: true }));
  const record = (n: number, sentAt: number) => ({ n, sentAt, sizeBytes: 100 }) as PacketRecord;
  const answer = (n: number, sentAt: number, holdMs: number, tookMs: number) => {
    relay.start(record(n, sentAt), holdMs, 0, 0, resolveStreamOptions());
    relay.answered(relay.exchanges.get(n)!, 0, false, true, sentAt + tookMs);
  };
  answer(0, 0, 0, 200);
  answer(1, 1000, 200, 204);
  expect(relay.rtt.minMs).toBe(200);
  // At the end of a long hold there is no doubt.
  answer(2, 2000, 15_000, 15_150);
  expect(relay.rtt.minMs).toBe(150);
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

test('R12: the last word of bulk is no small message beside the bulk that follows', () => {
  const never = Number.NEGATIVE_INFINITY;
  const stream = (sid: number) => ({ sid, movedBytes: 0, movedAt: never, bulkAt: never }) as Stream;
  const quick = new QuickMessages();
  const [first, second] = [stream(1), stream(2)];
  quick.note(first, 100_000, 0);
  quick.note(first, 10, 1000);
  quick.note(second, 1000, 1500);
  quick.note(second, 100_000, 1501);
  expect(quick.besideBulk(1502, 10)).toBe(false);
  // Much later the same stream may talk.
  quick.note(first, 10, 9000);
  quick.note(second, 100_000, 9001);
  expect(quick.besideBulk(9002, 10)).toBe(true);
});

test('R7: a transfer lasts when it moved much within a short time', () => {
  const sent = new Sustained();
  sent.add(MIB + 1, 0);
  expect(sent.lasts(0)).toBe(true);
  expect(sent.lasts(100)).toBe(false);
});

test('R6: a source that waited for credit is expected to use up more, though it has not written yet', () => {
  const pair = new Pair();
  const sid = pair.open();
  const block = new Uint8Array(65_536);
  const fill = () => void (pair.node.write(sid, block, pair.now) === block.length && fill());
  pair.onOpen = () => {
    pair.node.dialed(sid, { code: '' }, pair.now);
    fill();
  };
  pair.onClientEvent = (event) => void (event.type === 'readable' && pair.drain('client', sid));
  const credit = () => pair.up.find(({ packet }) => packet.segments?.some((segment) => (segment.credit ?? 0) > MIB));
  pair.run(5000, () => credit() !== undefined);
  const n = credit()!.packet.n;
  const answer = () => pair.down.find(({ packet }) => packet.answers === n);
  pair.run(5000, () => answer() !== undefined);
  expect(answer()?.packet.more).toBeGreaterThan(500_000);
});

test('R7: on a short way a part of a body waits while the relay is busy, and longer in a transfer that lasts', () => {
  const relay = new RelayPath('r', resolvePathOptions({ paired: true }));
  const options = resolveStreamOptions();
  const start = (n: number, sizeBytes: number) =>
    relay.start({ n, sentAt: 0, sizeBytes } as PacketRecord, 0, MIB, 0, options);
  expect(relay.isBusy(MIB)).toBe(false);
  start(1, MIB);
  // Nothing is known of the way yet: what it may hold itself is not yet under way.
  expect(relay.isBusy(MIB)).toBe(false);
  relay.answered(relay.exchanges.get(1)!, 100, false, false, 2);
  start(2, MIB);
  expect(relay.isBusy(MIB)).toBe(true);
  expect(relay.isBusy(2 * MIB)).toBe(false);
});

test('R7: an upload over a short way leaves in full bodies, though its source is slower than the way', () => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 1 } } });
  pair.onOpen = (sid) => pair.node.dialed(sid, { code: '' }, pair.now);
  pair.onNodeEvent = (event) => void (event.type === 'readable' && pair.drain('node', event.sid));
  const sid = pair.open();
  const block = new Uint8Array(65_536);
  let written = 0;
  for (let count = 0; count < 512; count++) {
    written += pair.client.write(sid, block, pair.now);
    pair.pump();
    pair.run(1);
  }
  pair.run(1000);
  const bodies = pair.up.map(({ packet }) => (packet.segments ?? []).reduce((sum, { d }) => sum + (d?.length ?? 0), 0));
  const large = bodies.filter((bytes) => bytes > 16 * 65_536);
  expect(bodies.reduce((sum, bytes) => sum + bytes)).toBe(written);
  expect(written).toBeGreaterThan(500 * 65_536);
  // At 64 MB/s 20 ms would bring a third of a body.
  expect(large.length).toBeLessThanOrEqual(12);
});

test.each([
  [1, 1],
  [50, 2],
])('R8: an open over a way of %i ms each way takes %i exchanges where one is held already', (delayMs, exchanges) => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs } } });
  pair.open();
  pair.run(3000);
  const before = pair.up.length;
  pair.open();
  pair.run(2 * delayMs);
  expect(pair.up.length - before).toBe(exchanges);
});

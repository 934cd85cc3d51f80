import { expect, test } from 'vitest';

import { Budget } from './budget.js';
import { ReceiveCredit } from './credit.js';
import { Deadlines } from './deadlines.js';
import { DeliveryRate } from './delivery-rate.js';
import { EpochTracker, isNamedOnly, makeEpoch } from './epoch.js';
import { EventQueue } from './events.js';
import { Flow } from './flow.js';
import { AdaptiveHold } from './hold.js';
import { InFlight } from './in-flight.js';
import { resolvePathOptions, resolveStreamOptions } from './options.js';
import { PacketRecords, type PacketRecord } from './packet-records.js';
import { PacketWindow } from './packet-window.js';
import { ReceiveBudget } from './receive-budget.js';
import { lingerTime, releaseAt } from './release.js';
import { RoundTrip } from './rtt.js';
import { SendRoom } from './send-room.js';
import { SID_WINDOW, SidWindow } from './sid-window.js';
import { after, LIFE_TABLE, RECEIVE_TABLE, SEND_TABLE } from './states.js';
import { earliest } from './timers.js';

const CREDIT = { floorBytes: 65_536, ceilingBytes: 1_048_576, firstGrantBytes: 131_072, bulkGrantBytes: 1_048_576 };

test('credit: the sum of all promises beyond the floors stays within the budget', () => {
  const budget = new ReceiveBudget(1_000_000);
  const credits = Array.from({ length: 50 }, () => new ReceiveCredit(budget, CREDIT));
  let consumed = 0;
  for (const credit of credits) credit.open(0);
  for (let round = 0; round < 20; round++) {
    consumed += 40_000;
    for (const credit of credits) {
      credit.received(consumed, round, 100);
      credit.consume(40_000, round, 100);
    }
    const promised = credits.reduce((sum, credit) => sum + Math.max(0, credit.limit - consumed - CREDIT.floorBytes), 0);
    expect(promised).toBeLessThanOrEqual(budget.totalBytes);
    for (const credit of credits) expect(credit.limit).toBeGreaterThanOrEqual(consumed + CREDIT.floorBytes);
  }
  for (const credit of credits) credit.close();
  expect(budget.usedBytes).toBe(0);
});

test('credit: the window doubles for a quick reader, up to its ceiling, and is announced in large steps', () => {
  const credit = new ReceiveCredit(new ReceiveBudget(100_000_000), CREDIT);
  expect(credit.due(0, 100)).toBe('no');
  credit.received(65_536, 0, 100);
  for (let step = 0; step < 200; step++) credit.consume(32_768, step, 100);
  expect(credit.windowBytes).toBe(CREDIT.ceilingBytes);
  expect(credit.due(0, 100)).toBe('soon');
  // On a short way the peer, which has nearly used up what it was told at first, would wait longer than it takes to tell it.
  expect(credit.due(0, 10)).toBe('now');
  expect(credit.due(-CREDIT.ceilingBytes, 10)).toBe('soon');
  expect(credit.announce()).toBe(credit.limit);
  credit.consume(1, 201, 100);
  expect(credit.due(credit.limit - CREDIT.ceilingBytes, 10)).toBe('no');
  expect(credit.due(credit.announced, 100)).toBe('now');
});

test('send room: a floor of its own, and a share of what is common', () => {
  const budget = new Budget(1000);
  const room = new SendRoom(budget, 100);
  const other = new SendRoom(budget, 100);
  // Of 1,000 an eighth stays for those who have little, and a quarter of the rest for others.
  expect(room.roomBytes).toBe(100 + 656);
  room.update(850, 850);
  expect(budget.usedBytes).toBe(750);
  expect(other.roomBytes).toBe(100 + 93);
  room.update(0, 0);
  expect(budget.freeBytes).toBe(1000);
});

test('deadlines: the earliest is at hand, also after it was moved or taken', () => {
  const deadlines = new Deadlines<string>();
  deadlines.set('a', 5);
  deadlines.set('b', 3);
  deadlines.set('b', 9);
  expect(deadlines.earliest).toBe(5);
  expect(deadlines.takeDue(4)).toEqual([]);
  expect(deadlines.takeDue(5)).toEqual(['a']);
  expect(deadlines.earliest).toBe(9);
  deadlines.clear();
  expect(deadlines.count).toBe(0);
  expect(earliest({ ask: 4, hold: 2, loss: undefined })).toBe(2);
});

test('delivery rate: a round ends with what was sent after it began', () => {
  const rate = new DeliveryRate();
  rate.noteLimited();
  expect(rate.delivered(1000, 0, 100, 100)).toEqual({ rate: 10, roundTripMs: 100, limited: true });
  expect(rate.delivered(500, 50, 100, 150)).toBeUndefined();
  expect(rate.delivered(500, 100, 90, 200)).toEqual({ rate: 10, roundTripMs: 90, limited: false });
  expect(rate.best).toBe(10);
});

test('in flight: doubles while the rate grows, gives back when a queue stands', () => {
  const control = new InFlight({ initial: 2, least: 1, most: 64 });
  let rate = 10;
  for (let round = 0; round < 4; round++) {
    control.onRound({ rate, roundTripMs: 100, limited: true }, 100, rate, 1000);
    rate *= 2;
  }
  expect(control.limit).toBe(32);
  for (let round = 0; round < 3; round++) control.onRound({ rate: 80, roundTripMs: 100, limited: true }, 100, 80, 1000);
  expect(control.starting).toBe(false);
  for (let round = 0; round < 20; round++)
    control.onRound({ rate: 80, roundTripMs: 400, limited: true }, 100, 80, 1000);
  expect(control.limit).toBeLessThanOrEqual(11);
  expect(control.limit).toBeGreaterThanOrEqual(8);
  const before = control.limit;
  control.onRound({ rate: 1, roundTripMs: 400, limited: false }, 100, 80, 1000);
  expect(control.limit).toBe(before);
});

test('hold: raised after holds that went well, halved after a cut', () => {
  const hold = new AdaptiveHold({ holdMs: 30_000, startHoldMs: 8000 });
  hold.answered(8000, 8100);
  expect(hold.currentMs).toBe(12_001);
  hold.answered(12_001, 300);
  expect(hold.currentMs).toBe(12_001);
  hold.failed(12_001, 100);
  expect(hold.currentMs).toBe(12_001);
  hold.failed(12_001, 11_000);
  expect(hold.currentMs).toBe(6000);
  for (let count = 0; count < 9; count++) hold.failed(hold.currentMs, 60_000);
  expect(hold.currentMs).toBe(1000);
});

test('hold: cut in half also where a relay bears much less, but not for one accident, nor for short holds', () => {
  const hold = new AdaptiveHold({ holdMs: 30_000, startHoldMs: 15_000 });
  hold.failed(15_000, 6000);
  hold.answered(15_000, 9000);
  hold.failed(15_000, 6000);
  expect(hold.currentMs).toBe(15_000);
  hold.answered(15_000, 300);
  hold.failed(15_000, 6010);
  expect(hold.currentMs).toBe(7500);
  hold.failed(100, 5000);
  hold.failed(1000, 5000);
  expect(hold.currentMs).toBe(7500);
  hold.failed(7500, 6000);
  expect(hold.currentMs).toBe(3750);
});

test('round trips: smoothed as in RFC 9002, the least kept for a while', () => {
  const rtt = new RoundTrip(300);
  expect(rtt.measured).toBe(false);
  expect(rtt.minMs).toBe(300);
  rtt.add(100, 0);
  rtt.add(180, 10);
  expect(rtt.smoothedMs).toBe(110);
  expect(rtt.lateMs).toBe(110 + 4 * 57.5);
  expect(rtt.minMs).toBe(100);
  rtt.add(150, 40_000);
  expect(rtt.minMs).toBe(150);
});

test('release: at once, after lingering, or not by itself', () => {
  const waiting = { urgent: false, bulkBytes: 0, bulkSince: 100, maxBytes: 1000 };
  expect(releaseAt(waiting, 20)).toBeUndefined();
  expect(releaseAt({ ...waiting, bulkBytes: 10 }, 20)).toBe(120);
  expect(releaseAt({ ...waiting, bulkBytes: 1000 }, 20)).toBe(Number.NEGATIVE_INFINITY);
  expect(releaseAt({ ...waiting, urgent: true }, 20)).toBe(Number.NEGATIVE_INFINITY);
  expect(lingerTime(20, 50)).toBe(5);
  expect(lingerTime(20, 5000)).toBe(20);
});

test('stream numbers: used once, and never again below the window', () => {
  const window = new SidWindow();
  window.see(5);
  expect(window.isDead(3)).toBe(false);
  window.kill(3);
  expect(window.isDead(3)).toBe(true);
  window.see(SID_WINDOW + 3);
  expect(window.isDead(SID_WINDOW + 3)).toBe(false);
  expect(window.isDead(3)).toBe(true);
  expect(window.isDead(5)).toBe(false);
  window.kill(10 * SID_WINDOW);
  expect(window.isDead(5)).toBe(true);
  expect(window.isDead(10 * SID_WINDOW - 1)).toBe(false);
});

test('packet numbers: seen once, told as ranges, the oldest forgotten', () => {
  const window = new PacketWindow(2);
  expect(window.got(8)).toBeUndefined();
  expect([0, 1, 5, 1].map((n) => window.add(n))).toEqual([true, true, true, false]);
  expect(window.got(8)).toEqual([
    { from: 0, to: 1 },
    { from: 5, to: 5 },
  ]);
  window.add(9);
  expect(window.has(0)).toBe(false);
  expect(window.got(1)).toEqual([{ from: 9, to: 9 }]);
});

test('packet records: decided once, the oldest given up beyond the bounds, a late arrival noticed', () => {
  const heard: string[] = [];
  const records = new PacketRecords(3, 100, {
    confirmed: ({ n }, wasInFlight) => heard.push(`${n} ${wasInFlight ? 'arrived' : 'arrived late'}`),
    lost: ({ n }) => heard.push(`${n} lost`),
  });
  const record = (n: number): PacketRecord => ({
    n,
    path: undefined,
    sentAt: 0,
    sizeBytes: 1,
    items: [],
    reportedLost: [],
    answers: undefined,
    state: 'flight',
  });
  for (const n of [0, 1, 2]) records.add(record(n));
  expect(records.full).toBe(true);
  records.lose(records.get(1)!);
  records.lose(records.get(1)!);
  records.confirmRange(1, 2);
  records.confirmRange(0, 2);
  for (const n of [3, 4, 5, 6]) records.add(record(n));
  expect(heard).toEqual(['1 lost', '1 arrived late', '2 arrived', '0 arrived', '3 lost']);
  expect([...records.pending()].map(({ n }) => n)).toEqual([4, 5, 6]);
  records.clear();
  expect(records.heldBytes).toBe(0);
});

test('flows: numbered, repeats dropped, bounded in number, bytes and age', () => {
  const budget = new Budget(1_000_000);
  const flow = new Flow({ flowQueueDatagrams: 3, flowQueueBytes: 70_000, datagramMaxAgeMs: 2000 }, budget);
  for (let count = 0; count < 5; count++) flow.send({ d: Uint8Array.of(count) }, count * 1000);
  expect(flow.outgoing.dropped).toBe(2);
  expect(flow.outgoing.peek(4500)?.n).toBe(3);
  expect(flow.outgoing.dropped).toBe(3);
  expect(flow.receive([{ n: 7, d: Uint8Array.of(1) }], 0)).toBe(true);
  expect(flow.receive([{ n: 7, d: Uint8Array.of(1) }], 0)).toBe(false);
  expect(flow.receive([{ n: 6, d: new Uint8Array(65_507) }], 0)).toBe(true);
  expect(flow.receive([{ n: 5000, d: new Uint8Array(10) }], 0)).toBe(true);
  expect(flow.receive([{ n: 8, d: new Uint8Array(10) }], 0)).toBe(false);
  expect(flow.incoming.count).toBe(3);
  flow.clear();
  expect(budget.usedBytes).toBe(0);
});

test('epochs: only an answer to a packet that named the present one ends it', () => {
  const node = (id: number) => new Uint8Array(8).fill(id);
  const [a, b, c] = [makeEpoch(node(1), 0, false), makeEpoch(node(2), 0, false), makeEpoch(node(1), 1, true)];
  expect([a, c].map((epoch) => isNamedOnly(epoch))).toEqual([false, true]);
  const tracker = new EpochTracker();
  expect(tracker.judge({ epoch: a, answers: 0 }, 3, false)).toBe('adopt');
  // An answer to a request of before, from elsewhere.
  expect(tracker.judge({ epoch: b, answers: 1 }, 4, false)).toBe('ignore');
  expect(tracker.judge({ epoch: b }, 4, false)).toBe('ignore');
  expect(tracker.judge({ epoch: b, answers: 3 }, 5, false)).toBe('switch');
  expect(tracker.judge({ epoch: a, answers: 4 }, 6, false)).toBe('ignore');
  expect(tracker.judge({ epoch: a, answers: 5 }, 7, false)).toBe('foreign');
  expect(tracker.judge({ epoch: c, answers: 6 }, 7, true)).toBe('foreign');
  expect(tracker.current).toEqual(b);
  expect(new EpochTracker().judge({ epoch: c }, 1, false)).toBe('switch');
});

test('states: what a table does not list changes nothing', () => {
  expect(after(SEND_TABLE, 'open', 'finalAck')).toBe('open');
  expect(after(RECEIVE_TABLE, 'sized', 'lastByte')).toBe('complete');
  expect(after(LIFE_TABLE, 'lingering', 'localReset')).toBe('lingering');
  for (const table of [SEND_TABLE, RECEIVE_TABLE, LIFE_TABLE]) {
    for (const next of Object.values(table).flatMap((events) => Object.values(events)))
      expect(Object.keys(table)).toContain(next);
  }
});

test('events come in order, however many wait', () => {
  const queue = new EventQueue();
  for (let sid = 0; sid < 3000; sid++) queue.push({ type: 'readable', sid });
  for (let sid = 0; sid < 3000; sid++) expect(queue.shift()).toEqual({ type: 'readable', sid });
  expect(queue.shift()).toBeUndefined();
  expect(queue.count).toBe(0);
});

test('options: complete, checked, and a misspelt one is refused', () => {
  expect(resolveStreamOptions().receiveFloorBytes).toBe(65_536);
  expect(() => resolveStreamOptions({ maxStreams: 0 })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  expect(() => resolveStreamOptions({ maxGaps: 1.5 })).toThrow('maxGaps is 1.5');
  expect(() => resolveStreamOptions({ maxStream: 1 } as object)).toThrow(
    expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY' }),
  );
  expect(resolvePathOptions({ paired: true }).startHoldMs).toBe(7500);
  expect(() => resolvePathOptions({ paired: true, concurrency: 0 })).toThrow('concurrency');
});

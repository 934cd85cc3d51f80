import { expect, test } from 'vitest';

import { Budget } from './budget.js';
import { ReceiveCredit } from './credit.js';
import { resolveStreamOptions } from './options.js';
import { memoryBound } from './memory.js';
import { ReceiveBudget } from './receive-budget.js';
import { SendRoom } from './send-room.js';
import { patternAt } from './sim/pattern.js';
import { Pair } from './sim/pair.js';

const SHARES = { floorBytes: 65_536, ceilingBytes: 1_048_576, firstGrantBytes: 131_072, bulkGrantBytes: 1_048_576 };

test(
  'R9: stalled readers hold no more than the formula says, and take the floor from nobody',
  { timeout: 60_000 },
  () => {
    const limits = { receiveBudgetBytes: 4_194_304, sendBudgetBytes: 4_194_304, maxStreams: 201 };
    const pair = new Pair({ client: limits, node: limits });
    const bound = memoryBound(resolveStreamOptions(limits), { streams: 201, exchanges: 128 });
    const block = new Uint8Array(65_536).fill(1);
    const fill = (sid: number) => {
      while (pair.node.write(sid, block, pair.now) === block.length);
    };
    pair.onOpen = (sid) => {
      pair.node.dialed(sid, { code: '' }, pair.now);
      fill(sid);
    };
    pair.onNodeEvent = (event) => void (event.type === 'writable' && fill(event.sid));
    let most = 0;
    pair.fate = () => {
      most = Math.max(most, pair.client.bytesHeld());
      expect(pair.client.bytesHeld()).toBeLessThanOrEqual(bound);
      expect(pair.node.bytesHeld()).toBeLessThanOrEqual(bound);
      return 'deliver';
    };
    for (let count = 0; count < 200; count++) pair.open();
    pair.run(30_000);
    expect(most).toBeGreaterThan(200 * 65_536);
    // The budget is taken by readers that never read; one more still moves whatever it reads.
    const sid = pair.open();
    let read = 0;
    pair.onClientEvent = (event) =>
      void (event.type === 'readable' && event.sid === sid && (read += pair.drain('client', sid).bytes.length));
    pair.run(10_000);
    expect(read).toBeGreaterThan(12 * 65_536);
  },
);

test(
  'R9: at the defaults 1,000 streams stalled both ways fill either end to half of its bound at least, and never pass it',
  { timeout: 60_000 },
  () => {
    const bound = memoryBound(resolveStreamOptions(), { streams: 1000, exchanges: 128 });
    // 64 MiB of 256 are left to the rest of the client.
    expect(bound).toBeLessThanOrEqual(192 * 1_048_576);
    const pair = new Pair();
    const block = new Uint8Array(65_536).fill(1);
    const fill = (end: 'client' | 'node', sid: number) => {
      while (pair[end].write(sid, block, pair.now) === block.length);
    };
    pair.onOpen = (sid) => {
      pair.node.dialed(sid, { code: '' }, pair.now);
      fill('node', sid);
    };
    pair.onNodeEvent = (event) => void (event.type === 'writable' && fill('node', event.sid));
    pair.onClientEvent = (event) => void (event.type === 'writable' && fill('client', event.sid));
    const most = { client: 0, node: 0 };
    pair.fate = () => {
      for (const end of ['client', 'node'] as const) {
        most[end] = Math.max(most[end], pair[end].bytesHeld());
        expect(most[end]).toBeLessThanOrEqual(bound);
      }
      return 'deliver';
    };
    for (let count = 0; count < 1000; count++) fill('client', pair.open());
    pair.run(30_000);
    for (const end of ['client', 'node'] as const) {
      expect(most[end]).toBeGreaterThan(bound / 2);
    }
  },
);

test('R10: half-close, reset and a failed dial each reach the application as what they are', () => {
  const pair = new Pair();
  const [half, cut, failed] = [pair.open(), pair.open(), pair.open()];
  pair.onOpen = (sid) => pair.node.dialed(sid, { code: sid === failed ? 'DIAL_REFUSED' : '' }, pair.now);
  pair.run(1000);
  expect(pair.clientEvents).toContainEqual({ type: 'failed', sid: failed, code: 'DIAL_REFUSED' });
  // The client ends its direction; the other goes on.
  pair.client.finish(half, pair.now);
  pair.run(1000);
  expect(pair.node.read(half)).toBeNull();
  pair.node.write(half, patternAt(1, 0, 100), pair.now);
  pair.node.finish(half, pair.now);
  pair.node.reset(cut, 'TARGET_RESET', pair.now);
  pair.run(2000);
  expect(pair.drain('client', half)).toEqual({ bytes: [...patternAt(1, 0, 100)], ended: true });
  pair.pump();
  expect(pair.clientEvents).toContainEqual({ type: 'closed', sid: half });
  expect(pair.clientEvents).toContainEqual({ type: 'reset', sid: cut, code: 'TARGET_RESET' });
});

/** Streams that are past their first bytes, each with `bytes` waiting, and all that was read so far used up. */
function bulkStreams(maxRequestBytes: number, bytes: number): { pair: Pair; bulk: number[] } {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, maxRequestBytes } } });
  pair.onNodeEvent = (event) => void (event.type === 'readable' && pair.drain('node', event.sid));
  const bulk = [pair.open(), pair.open(), pair.open(), pair.open()];
  for (const sid of bulk) pair.client.write(sid, new Uint8Array(20_000), pair.now);
  pair.run(5000);
  for (const sid of bulk) pair.client.write(sid, new Uint8Array(bytes).fill(9), pair.now);
  return { pair, bulk };
}

/** Stream bytes of each stream in the first packet that is sent from now on. */
function firstPacket(pair: Pair): { order: number[]; bytes: Map<number, number> } {
  const before = pair.up.length;
  pair.run(25);
  const order = pair.up[before]!.packet.segments!.filter(({ d }) => d !== undefined);
  const bytes = new Map<number, number>();
  for (const { sid, d } of order) bytes.set(sid, (bytes.get(sid) ?? 0) + d!.length);
  return { order: order.map(({ sid }) => sid), bytes };
}

test('R14: bulk is shared evenly, and small streams go first', () => {
  const { pair, bulk } = bulkStreams(262_144, 200_000);
  const small = pair.open();
  pair.client.write(small, patternAt(1, 0, 300), pair.now);
  const { order, bytes } = firstPacket(pair);
  expect(order[0]).toBe(small);
  expect(bytes.get(small)).toBe(300);
  const shares = bulk.map((sid) => bytes.get(sid) ?? 0);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(32_768);
  pair.run(20_000);
  for (const { waitingBytes, unacknowledgedBytes } of pair.client.inspect())
    expect(waitingBytes + unacknowledgedBytes).toBe(0);
});

test('R14: a packet that has room for all that waits takes all of it', () => {
  const { pair, bulk } = bulkStreams(262_144, 55_000);
  const { bytes } = firstPacket(pair);
  expect(bulk.map((sid) => bytes.get(sid))).toEqual([55_000, 55_000, 55_000, 55_000]);
});

test('R14: fifty streams of bulk keep nobody out, and a new stream passes them all', () => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, maxRequestBytes: 65_536 } } });
  const read = new Map<number, number>();
  pair.onNodeEvent = (event) => {
    if (event.type !== 'readable') return;
    read.set(event.sid, (read.get(event.sid) ?? 0) + pair.drain('node', event.sid).bytes.length);
  };
  const bulk = Array.from({ length: 50 }, () => pair.open());
  for (const sid of bulk) pair.client.write(sid, new Uint8Array(60_000), 0);
  pair.run(300);
  const late = pair.open();
  pair.client.write(late, new Uint8Array(100), pair.now);
  const at = pair.now;
  pair.run(5000, () => read.has(late));
  expect(pair.now - at).toBeLessThanOrEqual(200);
  pair.run(60_000);
  expect(bulk.map((sid) => read.get(sid))).toEqual(bulk.map(() => 60_000));
});

test.each(['client', 'node'] as const)('R7: a sender with little room, at the %s, is acked at once', (end) => {
  const pair = new Pair({ [end]: { sendBudgetBytes: 0, sendFloorBytes: 4096 } });
  const sid = pair.open();
  pair.run(1000);
  const other = end === 'client' ? 'node' : 'client';
  const total = 10 * 4096;
  let written = 0;
  let read = 0;
  const write = () => {
    const room = pair[end].room(sid, total - written);
    written += pair[end].write(sid, new Uint8Array(room), pair.now);
  };
  const on = (event: { type: string }) => {
    if (event.type === 'writable') write();
    if (event.type === 'readable') read += pair.drain(other, sid).bytes.length;
  };
  pair.onClientEvent = on;
  pair.onNodeEvent = on;
  const startedAt = pair.now;
  write();
  pair.pump();
  pair.run(10_000, () => read === total);
  // A round trip for each time that its room is filled.
  expect(pair.now - startedAt).toBeLessThanOrEqual(10 * 100);
});

test('R9: what was promised beyond the end of a stream goes back at once, what is unread stays counted', () => {
  const budget = new ReceiveBudget(1_000_000);
  const credit = new ReceiveCredit(budget, SHARES);
  credit.open(0);
  credit.received(65_536, 0, 100);
  expect(budget.usedBytes).toBe(credit.limit - SHARES.floorBytes);
  credit.consume(131_072, 0, 100);
  expect(credit.limit).toBeGreaterThan(200_000);
  expect(budget.activeCount).toBe(1);
  credit.ended(200_000);
  expect(credit.limit).toBe(200_000);
  expect(budget.usedBytes).toBe(200_000 - 131_072 - SHARES.floorBytes);
  expect(budget.activeCount).toBe(0);
  credit.received(200_000, 0, 100);
  credit.consume(68_928, 0, 100);
  expect(credit.limit).toBe(200_000);
  expect(budget.usedBytes).toBe(0);
  credit.close();
  credit.ended(300_000);
  expect(budget.usedBytes).toBe(0);
});

test('R14: streams that begin together are promised alike, one that begins alone gets much', () => {
  const grants = (streams: number) => {
    const budget = new ReceiveBudget(1_000_000);
    const credits = Array.from({ length: streams }, () => new ReceiveCredit(budget, SHARES));
    for (const credit of credits) credit.dialed(0);
    for (const credit of credits) credit.received(65_536, 10, 100);
    return credits.map(({ limit }) => limit - SHARES.floorBytes);
  };
  expect(grants(1)).toEqual([187_500]);
  const many = grants(20);
  // Three eighths of it are for those that have not shown yet that they use it up.
  expect(Math.max(...many)).toBeLessThanOrEqual(375_000 / 19);
  expect(Math.min(...many)).toBeGreaterThan(Math.max(...many) / 4);
});

test('R14: streams that have ended take nothing from one that begins after them', () => {
  const budget = new ReceiveBudget(1_000_000);
  const credits = Array.from({ length: 20 }, () => new ReceiveCredit(budget, SHARES));
  for (const credit of credits) credit.dialed(0);
  for (const credit of credits) credit.close();
  const next = new ReceiveCredit(budget, SHARES);
  next.dialed(10);
  next.received(65_536, 20, 100);
  expect(next.limit - SHARES.floorBytes).toBe(187_500);
});

/** What a stream is promised that moves `bytes` in pieces of `piece`, a ms each, and has used up all of them. */
function use(credit: ReceiveCredit, from: number, bytes: number, piece: number): number {
  credit.open(from);
  credit.dialed(from);
  let used = 0;
  for (let at = from; used < bytes; at++) {
    const next = Math.min(piece, credit.limit - used);
    credit.received(used + next, at, 100);
    credit.consume(next, at, 100);
    used += next;
  }
  return credit.limit - used;
}

const GREEDY = { ...SHARES, ceilingBytes: 40_000_000, bulkGrantBytes: 40_000_000 };

test('R9: who comes after some that were quick and stalled still gets much more than the floor', () => {
  const budget = new ReceiveBudget(40_000_000);
  const stalled = [0, 1, 2].map((at) => use(new ReceiveCredit(budget, GREEDY), 3_000 * at, 4_000_000, 40_000));
  expect(Math.max(...stalled)).toBeGreaterThan(5_000_000);
  const late = use(new ReceiveCredit(budget, GREEDY), 60_000, 40_000_000, 40_000);
  expect(late).toBeGreaterThanOrEqual(8_000_000);
});

test('R9: streams that nobody reads, however many, leave half of the budget to those that are read', () => {
  const budget = new ReceiveBudget(40_000_000);
  for (let count = 0; count < 500; count++) {
    const credit = new ReceiveCredit(budget, GREEDY);
    credit.open(1000 * count);
    credit.dialed(1000 * count);
    credit.received(65_536, 1000 * count, 100);
  }
  expect(budget.usedBytes).toBeLessThanOrEqual(20_000_000);
  expect(use(new ReceiveCredit(budget, GREEDY), 600_000, 40_000_000, 40_000)).toBeGreaterThanOrEqual(10_000_000);
});

test('R9: where nothing of the budget is left each stream still has its floor', () => {
  const credit = new ReceiveCredit(new ReceiveBudget(0), GREEDY);
  credit.open(0);
  credit.received(65_536, 0, 100);
  credit.consume(65_536, 0, 100);
  expect(credit.limit).toBe(131_072);
});

test('R9: dials under way, however many, leave seven eighths of the budget', () => {
  const budget = new ReceiveBudget(40_000_000);
  for (let count = 0; count < 500; count++) new ReceiveCredit(budget, GREEDY).open(0);
  expect(budget.usedBytes).toBeLessThanOrEqual(5_000_000);
});

test('R9: a reader that becomes slow is promised no more before it has used up what it has', () => {
  const budget = new ReceiveBudget(40_000_000);
  const credit = new ReceiveCredit(budget, GREEDY);
  const had = use(credit, 0, 8_000_000, 40_000);
  expect(had).toBeGreaterThan(7_000_000);
  for (let at = 2_000; at < 102_000; at += 100) credit.consume(5_000, at, 100);
  expect(credit.limit - 13_000_000).toBeLessThanOrEqual(had - 4_000_000);
  expect(budget.activeCount).toBeLessThanOrEqual(1);
});

test('R9: the stalled streams of one client leave a quarter of what is shared to the next', () => {
  const whole = new Budget(40_000_000);
  const one = new ReceiveBudget(whole.totalBytes, whole);
  const other = new ReceiveBudget(whole.totalBytes, whole);
  for (let count = 0; count < 200; count++) use(new ReceiveCredit(one, SHARES), 10_000 * count, 4_000_000, 40_000);
  expect(one.usedBytes).toBeGreaterThan(20_000_000);
  expect(one.usedBytes).toBeLessThanOrEqual(30_000_000);
  expect(other.unusedBytes).toBeGreaterThanOrEqual(7_500_000);
  expect(whole.usedBytes).toBe(one.usedBytes);
  const room = new SendRoom(whole.user(), 16_384);
  expect(room.roomBytes).toBeGreaterThanOrEqual(1_000_000);
});

test("R9: a sender whose reader has stalled holds its floor and takes nobody else's room", () => {
  const budget = new Budget(1_000_000);
  const room = new SendRoom(budget, 16_384);
  room.acknowledged(100_000);
  expect(room.roomFor(500_000, 500_000)).toBe(16_384);
  expect(room.roomFor(500_000, 600_000)).toBe(116_384);
  room.update(16_384, 16_384);
  expect(budget.claims).toBe(0);
  expect(room.roomFor(516_384, 500_000)).toBe(0);
  room.update(200_000, 200_000);
  expect(budget.claims).toBe(1);
});

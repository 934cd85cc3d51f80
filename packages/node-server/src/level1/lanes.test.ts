import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/clock.js';
import { isPending } from '../../test/support/pending.js';
import { BatchWait } from './batch-wait.js';
import { DrainBudget } from './drain-budget.js';
import { planBatch } from './plan.js';
import { SeqLane } from './seq-lane.js';
import { WriteLane } from './write-lane.js';

const calm = (): boolean => false;
const hurried = (): boolean => true;

describe('SeqLane', () => {
  test('the turn goes from number to number, in whatever order they enter', () => {
    const lane = new SeqLane(10);
    expect([lane.enter(2, calm), lane.enter(0, calm), lane.enter(1, calm)]).toEqual(['entered', 'entered', 'entered']);
    expect([0, 1, 2].map((seq) => lane.hasTurn(seq))).toEqual([true, false, false]);
    lane.advance();
    expect([0, 1, 2].map((seq) => lane.hasTurn(seq))).toEqual([false, true, false]);
    lane.advance();
    lane.advance();
    expect([lane.expected, lane.hasTurn(3)]).toEqual([3, false]);
    lane.enter(3, calm);
    expect(lane.hasTurn(3)).toBe(true);
  });

  test('a number that was done, runs or waits is repeated; one that left may come again', () => {
    const lane = new SeqLane(10);
    lane.enter(0, calm);
    lane.enter(5, calm);
    expect([lane.enter(0, calm), lane.enter(5, calm)]).toEqual(['repeated', 'repeated']);
    lane.advance();
    expect(lane.enter(0, calm)).toBe('repeated');
    lane.leave(5);
    expect([lane.enter(5, calm), lane.expected]).toEqual(['entered', 1]);
  });

  test('a bounded number waits; the one whose turn it is always enters', () => {
    const lane = new SeqLane(1);
    expect([lane.enter(1, calm), lane.enter(2, calm), lane.enter(0, calm)]).toEqual(['entered', 'full', 'entered']);
  });

  test('it should give way when one that follows without a gap is in a hurry', () => {
    const lane = new SeqLane(10);
    lane.enter(0, calm);
    expect(lane.shouldGiveWay()).toBe(false);
    lane.enter(2, hurried);
    expect(lane.shouldGiveWay()).toBe(false);
    lane.enter(1, calm);
    expect(lane.shouldGiveWay()).toBe(true);
  });
});

describe('WriteLane', () => {
  const write = (lane: WriteLane, wseq: number): string[] =>
    lane.accept(wseq, Buffer.from(`${wseq}`)).map((bytes) => bytes.toString());

  test('what waits comes with the first that was missing, in order', () => {
    const lane = new WriteLane();
    expect([write(lane, 1), write(lane, 3), write(lane, 0), write(lane, 2)]).toEqual([[], [], ['0', '1'], ['2', '3']]);
    expect(lane.bytes).toBe(0);
  });

  test('a number that came before is an error, and forgetting says how much that was', () => {
    const lane = new WriteLane();
    write(lane, 0);
    write(lane, 2);
    expect(() => write(lane, 0)).toThrow(expect.objectContaining({ code: 'SEQ_REPEATED' }));
    expect(() => write(lane, 2)).toThrow(expect.objectContaining({ code: 'SEQ_REPEATED' }));
    expect([lane.clear(), lane.bytes]).toEqual([1, 0]);
  });
});

describe('DrainBudget', () => {
  test('what is reserved is missing for others until it is given back', () => {
    const budget = new DrainBudget(10);
    expect([budget.reserve(8), budget.reserve(8), budget.reserve(8)]).toEqual([8, 2, 0]);
    budget.giveBack(5);
    expect([budget.left, budget.taken, budget.reserve(8)]).toEqual([5, 5, 5]);
  });
});

describe('BatchWait', () => {
  test('a condition that holds already is not waited for, nor is one with no time', async () => {
    const clock = new ManualClock();
    const wait = new BatchWait(clock);
    expect(await wait.until(() => true, 5)).toBe(true);
    expect(await wait.until(() => false, 0)).toBe(false);
    expect(clock.count(5)).toBe(0);
  });

  test('a wake between the look and the wait is not missed, and one looks at every condition', async () => {
    const wait = new BatchWait(new ManualClock());
    let ready = false;
    const both = [wait.until(() => ready), wait.until(() => ready, 100)];
    const other = wait.until(() => false);
    ready = true;
    wait.wake();
    expect(await Promise.all(both)).toEqual([true, true]);
    expect(await isPending(other)).toBe(true);
  });

  test('time ends a wait, and its timer goes with it', async () => {
    const clock = new ManualClock();
    const wait = new BatchWait(clock);
    const waited = wait.until(() => false, 100);
    clock.advance(100);
    expect(await waited).toBe(false);
    let ready = false;
    const met = wait.until(() => ready, 100);
    ready = true;
    wait.wake();
    await met;
    expect(clock.count(100)).toBe(0);
  });
});

describe('planBatch', () => {
  test('ops know of the closes before and after them', () => {
    const { ops } = planBatch([
      { op: 'data', sid: 'a' },
      { op: 'data', sid: 'b' },
      { op: 'close', sid: 'a' },
      { op: 'data', sid: 'a' },
      { op: 'close', sid: 'a' },
      { op: 'version' },
    ]);
    expect(ops.map(({ closesLater, closedBefore }) => `${closesLater} ${closedBefore}`)).toEqual([
      'true false',
      'false false',
      'true false',
      'true true',
      'false true',
      'false false',
    ]);
  });

  test.each([
    [{ op: 'connect', host: 'h', port: 1 }, true],
    [{ op: 'connect_data', host: 'h', port: 1 }, true],
    [{ op: 'udp_open', host: 'h', port: 1 }, true],
    [{ op: 'close', sid: 'a' }, true],
    [{ op: 'data', sid: 'a', d: 'eA==' }, true],
    [{ op: 'udp_data', sid: 'a', d: 'eA==' }, true],
    [{ op: 'data', sid: 'a', d: '' }, false],
    [{ op: 'udp_data', sid: 'a' }, false],
    [{ op: 'version' }, false],
    [{ op: 'whatever', d: 'eA==' }, false],
    [{ invalid: 'wrong' }, false],
  ])('%j makes a batch active: %s', (op, active) => {
    expect(planBatch([{ op: 'data', sid: 'z' }, op]).active).toBe(active);
  });
});

import { expect, test } from 'vitest';
import { ceilingOf } from './ceiling.js';
import { Delays, type DelayDraw } from './delay.js';
import { Line } from './line.js';
import { MAX_AHEAD_MS, Pacer } from './pacer.js';

const half: DelayDraw = [0.5, 0.5];

test('delays are fixed, or anything between two, times the factor', () => {
  expect(new Delays({ fixed: 100 }, 1).delayMs(0, half)).toBe(100);
  expect(new Delays({ fixed: 100 }, 30).delayMs(0, half)).toBe(3_000);
  const uniform = new Delays({ uniform: [1_500, 6_000] }, 1);
  expect([0, 0.5, 1].map((chance) => uniform.delayMs(0, [chance, 0]))).toEqual([1_500, 3_750, 6_000]);
});

test('who comes while something starts waits for it, and after a long rest it starts again', () => {
  const cold = new Delays({ coldStart: [8_000, 12_000], warm: { fixed: 50 }, idleMs: 60_000 }, 1);
  expect(cold.delayMs(0, half)).toBe(10_050);
  expect(cold.delayMs(4_000, [0.5, 0])).toBe(6_050);
  expect(cold.delayMs(10_000, half)).toBe(50);
  expect(cold.delayMs(70_000, half)).toBe(50);
  expect(cold.delayMs(130_001, [0.5, 0])).toBe(8_050);
  expect(cold.meanMs).toBe(50);
});

test('bytes take their turn at the rate, whoever they belong to, and idle time is lost', () => {
  const pacer = new Pacer(8);
  expect(pacer.MBps).toBe(1);
  expect(pacer.send(1_000, 0)).toBe(1);
  expect(pacer.send(2_000, 0)).toBe(3);
  expect(pacer.send(1_000, 100)).toBe(101);
  expect(pacer.roomMs).toBe(101 - MAX_AHEAD_MS);
});

test('who waits for room gets a turn after those who asked before', async () => {
  const pacer = new Pacer(1_000);
  pacer.send(125_000 * 2 * MAX_AHEAD_MS, performance.now());
  expect(pacer.isFree).toBe(false);
  const turns: string[] = [];
  await new Promise<void>((resolve) => {
    const ask = (name: string, again: number): void => {
      pacer.whenRoom(() => {
        turns.push(name);
        pacer.send(125_000, performance.now());
        if (again > 0) ask(name, again - 1);
        else if (name === 'late') resolve();
      });
    };
    ask('first', 2);
    ask('second', 2);
    const withdraw = pacer.whenRoom(() => turns.push('gone'));
    withdraw();
    ask('late', 2);
  });
  expect(turns).toEqual(['first', 'second', 'late', 'first', 'second', 'late', 'first', 'second', 'late']);
});

test('pieces are small enough for others to get between, whatever the rate', () => {
  expect(new Pacer(0.1).pieceBytes).toBe(1_460);
  expect(new Pacer(100).pieceBytes).toBe(50_000);
  expect(new Pacer(10_000).pieceBytes).toBe(65_536);
  expect(new Pacer(0).pieceBytes).toBe(Infinity);
  expect(new Pacer(0).send(1e9, 5)).toBe(5);
});

test('the ceiling is what the legs bear together', () => {
  const line = (delayMs: number, rateMbps: number, factor = 1): Line =>
    new Line({ delayMs: { fixed: delayMs }, rateMbps }, factor);
  const lines = {
    clientUp: line(100, 80),
    clientDown: line(100, 0),
    nodeUp: line(25, 8),
    nodeDown: line(25, 0),
  };
  expect(ceilingOf(lines, 0, 4)).toEqual({ roundTripMs: 250, requestsPerSecond: 16, upMBps: 1 });
  expect(ceilingOf(lines, 1, 1)).toMatchObject({ roundTripMs: 450 });
  const slow = { ...lines, clientUp: line(100, 80, 30) };
  expect(ceilingOf(slow, 0, 1)).toMatchObject({ roundTripMs: 3_150, upMBps: 1 / 3 });
  const free = line(0, 0);
  expect(ceilingOf({ clientUp: free, clientDown: free, nodeUp: free, nodeDown: free }, 0, 1)).toEqual({
    roundTripMs: 0,
  });
});

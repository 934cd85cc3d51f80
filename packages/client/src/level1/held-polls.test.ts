import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Relay } from '../carriers/relay.js';
import { HeldPolls, type PollBatch } from './held-polls.js';

const relay = { latencyMs: 100 } as Relay;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function batchOf(willing: boolean, asked: number[], id: number): PollBatch {
  const pollAgain = (): boolean => {
    asked.push(id);
    return willing;
  };
  return { relay, sentAt: performance.now(), sources: [{}, { pollAgain }] };
}

describe('held polls', () => {
  test('a few are left alone, more are gathered once they are surely held', () => {
    const held = new HeldPolls();
    const asked: number[] = [];
    for (let id = 0; id < 4; id += 1) held.add(batchOf(true, asked, id));
    vi.advanceTimersByTime(60_000);
    expect(asked).toEqual([]);
    held.add(batchOf(true, asked, 4));
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    // Each is asked once.
    vi.advanceTimersByTime(60_000);
    expect(asked).toHaveLength(5);
    held.close();
  });

  test('what was answered is not asked', () => {
    const held = new HeldPolls();
    const asked: number[] = [];
    const batches = Array.from({ length: 6 }, (_, id) => batchOf(true, asked, id));
    for (const batch of batches) held.add(batch);
    held.delete(batches[2]!);
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual([0, 1, 3, 4, 5]);
    held.close();
  });

  test('when a place is wanted, two are enough, and those that were just sent get their time', () => {
    const held = new HeldPolls();
    const asked: number[] = [];
    held.add(batchOf(true, asked, 0));
    held.add(batchOf(true, asked, 1));
    vi.advanceTimersByTime(440);
    held.press();
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(250);
    expect(asked).toEqual([0, 1]);
    held.close();
  });

  test('nobody is asked after the end', () => {
    const held = new HeldPolls();
    const asked: number[] = [];
    for (let id = 0; id < 9; id += 1) held.add(batchOf(true, asked, id));
    held.close();
    vi.advanceTimersByTime(10_000);
    expect(asked).toEqual([]);
  });
});

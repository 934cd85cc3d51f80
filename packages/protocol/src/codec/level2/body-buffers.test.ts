import { describe, expect, test } from 'vitest';
import { BodyBuffers, dropView, holdView } from './body-buffers.js';

describe('memory of bodies', () => {
  test('is used again when it fits, the last one given back first', () => {
    const buffers = new BodyBuffers(1_000_000);
    const [one, two] = [buffers.take(200_000), buffers.take(210_000)];
    buffers.give(one);
    buffers.give(two);
    expect(buffers.bytes).toBe(410_000);
    const again = buffers.take(150_000);
    expect([again.buffer, again.length]).toEqual([two.buffer, 150_000]);
    expect(buffers.take(99_999).buffer).not.toBe(one.buffer);
    expect(buffers.take(200_001).buffer).not.toBe(one.buffer);
    expect(buffers.take(100_000).buffer).toBe(one.buffer);
    expect(buffers.bytes).toBe(0);
  });

  test('is bounded: the oldest is freed, and small ones are not kept', () => {
    const buffers = new BodyBuffers(300_000);
    const all = [100_000, 150_000, 160_000].map((bytes) => buffers.take(bytes));
    for (const each of all) buffers.give(each);
    expect(buffers.bytes).toBe(160_000);
    expect(all.map(({ length }) => length)).toEqual([0, 0, 160_000]);
    const [small, large] = [buffers.take(1_000), new Uint8Array(300_001)];
    buffers.give(small);
    buffers.give(large);
    expect(buffers.bytes).toBe(160_000);
    expect([small.length, large.length]).toEqual([1_000, 0]);
  });

  test('is lent out until nobody has a view of it any more', () => {
    const buffers = new BodyBuffers(1_000_000);
    const memory = buffers.take(300_000);
    buffers.lend(memory);
    const views = [memory.subarray(0, 10), memory.subarray(5)];
    for (const view of views) holdView(view);
    dropView(views[0]!);
    dropView(memory);
    expect(buffers.bytes).toBe(0);
    dropView(views[1]!);
    expect(buffers.bytes).toBe(300_000);
    // It is nobody's now: what is said of views changes nothing.
    holdView(memory);
    dropView(memory);
    expect(buffers.bytes).toBe(300_000);
  });

  test('is not lent out where an engine could keep a part of it for good', () => {
    const buffers = new BodyBuffers(1_000_000);
    const memory = buffers.take(262_143);
    buffers.lend(memory);
    dropView(memory);
    expect(buffers.bytes).toBe(0);
  });
});

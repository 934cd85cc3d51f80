import { expect, test } from 'vitest';

import { Random } from '../../test/sim/random.js';
import { FrameLayout } from './layout.js';

test('every shard has one place, and data shards in their order are the frame', () => {
  const random = new Random(3);
  for (let round = 0; round < 100; round++) {
    const blocks = random.int(1, 30);
    const shardBytes = random.int(1, 50);
    const data = random.int(blocks, blocks * 40);
    const shape = {
      bytes: data * shardBytes - random.int(0, shardBytes - 1),
      shardBytes,
      blocks,
      depth: random.int(1, blocks),
      parity: random.int(0, 12),
    };
    const layout = FrameLayout.of(shape)!;
    expect(layout.data).toBe(data);
    const seen = new Set<number>();
    const offsets = new Uint32Array(255);
    for (let block = 0; block < blocks; block++) {
      layout.offsets(block, offsets);
      for (let index = 0; index < layout.dataOf(block) + shape.parity; index++) {
        const shard = layout.shardOf(block, index);
        expect(layout.blockOf(shard)).toBe(block);
        expect(shard < data).toBe(index < layout.dataOf(block));
        expect(offsets[index]).toBe(shard * shardBytes);
        seen.add(shard);
      }
    }
    expect(seen.size).toBe(layout.shards);
    const order = [...layout.order()];
    expect(new Set(order).size).toBe(layout.shards);
    expect(order.filter((shard) => shard < data)).toEqual(Array.from({ length: data }, (_, i) => i));
  }
});

test('a burst no longer than the depth takes at most one shard of each block', () => {
  const layout = FrameLayout.of({ bytes: 8 * 20 * 100, shardBytes: 100, blocks: 8, depth: 8, parity: 5 })!;
  const blocks = [...layout.order()].map((shard) => layout.blockOf(shard));
  for (let at = 0; at + 8 <= blocks.length; at++) expect(new Set(blocks.slice(at, at + 8)).size).toBe(8);
});

test('impossible shapes are refused', () => {
  const good = { bytes: 1000, shardBytes: 100, blocks: 2, depth: 1, parity: 2 };
  expect(FrameLayout.of(good)).toBeDefined();
  for (const bad of [
    { bytes: 0 },
    { shardBytes: 0 },
    { blocks: 0 },
    { blocks: 11 },
    { depth: 0 },
    { depth: 3 },
    { parity: 251 },
    { bytes: 2 ** 32 - 1 },
    { bytes: 65_000, shardBytes: 1, blocks: 255, parity: 3 },
  ]) {
    expect(FrameLayout.of({ ...good, ...bad })).toBeUndefined();
  }
});

/** Blocks that cannot be repaired when packets are lost in runs of 8 on average, 2 % of all. */
function brokenBlocks(depth: number, seed: number): number {
  const layout = FrameLayout.of({ bytes: 16 * 20 * 10, shardBytes: 10, blocks: 16, depth, parity: 5 })!;
  const random = new Random(seed);
  let broken = 0;
  let bad = false;
  for (let frame = 0; frame < 2000; frame++) {
    const lost = new Uint8Array(16);
    for (const shard of layout.order()) {
      bad = random.chance(bad ? 7 / 8 : 0.02 / 8 / 0.98);
      if (bad) lost[layout.blockOf(shard)]!++;
    }
    broken += lost.filter((count) => count > 5).length;
  }
  return broken;
}

test('with bursts of mean 8 interleaving recovers at least three times as many broken blocks as none', () => {
  const without = brokenBlocks(1, 1);
  const deep = brokenBlocks(16, 1);
  expect(without).toBeGreaterThan(300);
  expect(deep * 3).toBeLessThan(without);
});

import { expect, test } from 'vitest';

import { CHUNK_COST_BYTES, ChunkList } from './chunk-list.js';

function content(list: ChunkList): number[] {
  const bytes: number[] = [];
  for (let at = list.start; at < list.end;) {
    const view = list.view(at, 1_000_000)!;
    bytes.push(...view);
    at += view.length;
  }
  return bytes;
}

test('small pieces are collected, large ones kept as views', () => {
  const list = new ChunkList(5);
  const large = new Uint8Array(3000).fill(7);
  list.append(Uint8Array.of(1, 2));
  list.append(Uint8Array.of(3));
  list.append(large);
  expect(list.start).toBe(5);
  expect(list.end).toBe(3008);
  expect(list.view(5, 10)).toEqual(Uint8Array.of(1, 2, 3));
  expect(list.view(8, 5000)).toBe(large);
  expect(list.view(10, 4)?.buffer).toBe(large.buffer);
  expect(list.view(3008, 1)).toBeUndefined();
  expect(list.view(4, 1)).toBeUndefined();
  expect(list.pinnedBytes).toBe(256 + 3000 + 2 * CHUNK_COST_BYTES);
});

test('memory is given back piece by piece', () => {
  const list = new ChunkList();
  for (let count = 0; count < 100; count++) list.append(new Uint8Array(2048).fill(count));
  list.release(50 * 2048 + 1000);
  expect(list.start).toBe(50 * 2048);
  expect(list.view(50 * 2048 + 1000, 1)).toEqual(Uint8Array.of(50));
  expect(list.pinnedBytes).toBe(50 * (2048 + CHUNK_COST_BYTES));
  list.release(100 * 2048);
  expect(list.pinnedBytes).toBe(0);
  expect(list.start).toBe(100 * 2048);
});

test('what would keep a much larger buffer alive is copied when it settles, or at once where asked', () => {
  const body = new Uint8Array(100_000).fill(4);
  const list = new ChunkList();
  list.append(body.subarray(0, 3000));
  expect(list.view(0, 10)?.buffer).toBe(body.buffer);
  list.settle();
  expect(list.view(0, 3000)?.buffer.byteLength).toBe(3000);
  list.append(body.subarray(0, 90_000));
  expect(list.view(3000, 10)?.buffer).toBe(body.buffer);
  const own = new ChunkList();
  own.append(body.subarray(0, 3000), true);
  expect(own.view(0, 10)?.buffer).not.toBe(body.buffer);
});

test('what is not settled is found below pieces that are', () => {
  const packet = new Uint8Array(1_000_000).fill(1);
  const list = new ChunkList();
  list.append(packet.subarray(0, 4_000));
  const settled = new ChunkList(4_000);
  settled.append(new Uint8Array(3_000).fill(2));
  settled.settle();
  list.absorb(settled);
  list.settle();
  packet.fill(9);
  expect(content(list)).toEqual(Array.from({ length: 7_000 }, (_, at) => (at < 4_000 ? 1 : 2)));
});

test('who wrote a piece is told when its bytes are let go, at once where they are copied', () => {
  const list = new ChunkList();
  const released: Uint8Array[] = [];
  const tell = (bytes: Uint8Array): void => void released.push(bytes);
  const [small, part, whole] = [new Uint8Array(10), new Uint8Array(9_000).subarray(0, 4_000), new Uint8Array(5_000)];
  for (const each of [small, part, whole]) list.append(each, true, tell);
  expect(released).toEqual([small, part]);
  list.release(9_009);
  expect(released).toHaveLength(2);
  list.release(9_010);
  expect(released[2]).toBe(whole);
  list.append(new Uint8Array(70_000), true, tell);
  list.release(list.end);
  expect(released).toHaveLength(3);
});

test('what is copied of bytes that come back is a copy, also where slice makes none', () => {
  // As Node's Buffer does.
  class Sharing extends Uint8Array<ArrayBuffer> {
    override slice(from = 0, to = this.length): Uint8Array<ArrayBuffer> {
      return this.subarray(from, to);
    }
  }
  const list = new ChunkList();
  const whole = new Sharing(new ArrayBuffer(5_000)).fill(1);
  const part = new Sharing(new ArrayBuffer(10_000)).fill(1).subarray(0, 4_000);
  const reuse = (bytes: Uint8Array): void => void bytes.fill(9);
  list.append(whole, true, reuse);
  list.append(part, true, reuse);
  expect(part[0]).toBe(9);
  list.trim(1_000);
  expect(whole[0]).toBe(9);
  expect(new Set(content(list))).toEqual(new Set([1]));
  const packet = new Sharing(new ArrayBuffer(10_000)).fill(1);
  const received = new ChunkList();
  received.append(packet.subarray(0, 4_000));
  received.settle();
  packet.fill(9);
  expect(new Set(content(received))).toEqual(new Set([1]));
});

test('a large buffer that was written is not kept alive by its last part', () => {
  const written = new Uint8Array(80_000).fill(4);
  const list = new ChunkList();
  list.append(written, true);
  list.release(70_000);
  expect(list.view(70_000, 100_000)!.buffer.byteLength).toBe(80_000 - 65_536);
  expect(list.pinnedBytes).toBe(80_000 - 65_536 + CHUNK_COST_BYTES);
  expect(content(list).every((byte) => byte === 4)).toBe(true);
});

test('a list takes over another one from its own end on', () => {
  const list = new ChunkList();
  list.append(new Uint8Array(1500).fill(1));
  const later = new ChunkList(1000);
  later.append(new Uint8Array(1100).fill(2));
  later.append(new Uint8Array(200).fill(3));
  list.absorb(later);
  expect(content(list)).toEqual([
    ...new Uint8Array(1500).fill(1),
    ...new Uint8Array(600).fill(2),
    ...new Uint8Array(200).fill(3),
  ]);
  expect(later.pinnedBytes).toBe(0);
});

test('what small pieces cost beyond their bytes is bounded by putting them together', () => {
  const list = new ChunkList();
  const expected: number[] = [];
  for (let count = 0; count < 400; count++) {
    const piece = new Uint8Array(count % 2 === 0 ? 1 : 2048).fill(count);
    expected.push(...piece);
    list.append(piece);
    if (list.excessBytes > 0) list.compact();
    expect(list.pinnedBytes).toBeLessThanOrEqual((list.end * 17) / 16 + 4096);
  }
  expect(content(list)).toEqual(expected);
});

test('what lies below a position is given back, also from within a piece', () => {
  const list = new ChunkList();
  list.append(new Uint8Array(60_000).fill(1));
  list.append(new Uint8Array(10_000).fill(2));
  list.trim(55_000);
  expect(list.pinnedBytes).toBeLessThan(16_000);
  expect([...list.view(55_000, 2)!, ...list.view(60_000, 1)!]).toEqual([1, 1, 2]);
  expect(list.view(54_999, 1)).toBeUndefined();
  list.trim(70_000);
  expect(list.pinnedBytes).toBe(0);
  list.append(Uint8Array.of(3));
  expect(list.view(70_000, 9)).toEqual(Uint8Array.of(3));
});

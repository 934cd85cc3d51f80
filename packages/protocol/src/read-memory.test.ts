import { describe, expect, test } from 'vitest';
import { ReadMemory } from './read-memory.js';

/** A socket that keeps what is read. */
function reader(memory: ReadMemory) {
  const chunks: Uint8Array[] = [];
  let room = true;
  const socket = { push: (bytes: Uint8Array) => chunks.push(bytes) > 0 && room };
  const { buffer, callback } = memory.onread(() => socket);
  const read = (bytes: number, value: number): boolean => {
    buffer.fill(value, 0, bytes);
    return callback(bytes, buffer);
  };
  return { chunks, read, fill: () => void (room = false) };
}

function start(maxSpareBytes = 400) {
  const taken: number[] = [];
  const allocate = (bytes: number): Uint8Array => {
    taken.push(bytes);
    return new Uint8Array(bytes);
  };
  const memory = new ReadMemory({ allocate, readBytes: 200, leastBytes: 100, maxSpareBytes });
  return { memory, taken };
}

describe('memory for reads', () => {
  test('what came stays as it was while others read', () => {
    const { memory } = start();
    const [one, two] = [reader(memory), reader(memory)];
    one.read(200, 1);
    two.read(150, 2);
    one.read(10, 3);
    expect(one.chunks).toEqual([new Uint8Array(200).fill(1), new Uint8Array(10).fill(3)]);
    expect(two.chunks).toEqual([new Uint8Array(150).fill(2)]);
  });

  test('a chunk that was given back is used again, a small one has memory of exactly its size', () => {
    const { memory, taken } = start();
    const { chunks, read } = reader(memory);
    read(120, 1);
    memory.give(chunks[0]!);
    read(200, 2);
    read(99, 3);
    expect(chunks[1]!.buffer).toBe(chunks[0]!.buffer);
    expect(chunks[2]!.buffer.byteLength).toBe(99);
    expect(taken).toEqual([200, 200, 99]);
  });

  test('unless told otherwise, a chunk keeps little more memory than its bytes', () => {
    const { chunks, read } = reader(new ReadMemory({ allocate: (bytes) => new Uint8Array(bytes) }));
    for (const bytes of [1, 16_384, 61_439, 61_440, 65_536]) read(bytes, 1);
    expect(chunks.map(({ buffer }) => buffer.byteLength)).toEqual([1, 16_384, 61_439, 65_536, 65_536]);
  });

  test('a part of a chunk, another memory and what was given already are not taken back', () => {
    const { memory, taken } = start();
    const { chunks, read } = reader(memory);
    read(120, 1);
    memory.give(chunks[0]!.subarray(1));
    memory.give(new Uint8Array(200));
    read(120, 2);
    memory.give(chunks[1]!);
    memory.give(chunks[1]!);
    read(120, 3);
    read(120, 4);
    expect(taken).toEqual([200, 200, 200, 200]);
    expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(3);
  });

  test('what is kept for later is bounded', () => {
    const { memory, taken } = start(400);
    const { chunks, read } = reader(memory);
    for (const value of [1, 2, 3]) read(200, value);
    for (const chunk of chunks) memory.give(chunk);
    for (const value of [4, 5, 6]) read(200, value);
    expect(taken).toHaveLength(1 + 3 + 1);
  });

  test('the socket says when it has enough', () => {
    const { read, fill } = reader(start().memory);
    expect(read(200, 1)).toBe(true);
    fill();
    expect(read(200, 1)).toBe(false);
  });
});

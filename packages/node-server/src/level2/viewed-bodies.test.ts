import { expect, test } from 'vitest';
import { BodyBuffers } from '@millrace/protocol/level2';
import type { NodeEngine } from '@millrace/protocol/stream';
import { ViewedBodies } from './viewed-bodies.js';

function start(maxBytes: number) {
  const buffers = new BodyBuffers(10_000_000);
  const settled: string[] = [];
  const engine = (name: string): NodeEngine => ({ settle: () => settled.push(name) }) as unknown as NodeEngine;
  const body = (): Uint8Array => {
    const memory = buffers.take(300_000);
    buffers.lend(memory);
    return memory;
  };
  return { bodies: new ViewedBodies(maxBytes), buffers, settled, engine, body };
}

test('the memory of a request is used again from the next one of its client on', () => {
  const { bodies, buffers, settled, engine, body } = start(1_000_000);
  const one = engine('one');
  bodies.next(one, body());
  bodies.trim();
  expect([settled, buffers.bytes, bodies.bytes]).toEqual([['one'], 0, 300_000]);
  bodies.next(one, body());
  expect([settled, buffers.bytes, bodies.bytes]).toEqual([['one', 'one'], 300_000, 300_000]);
  bodies.forget(one);
  expect([buffers.bytes, bodies.bytes]).toEqual([600_000, 0]);
});

test('beyond the bound the oldest are settled', () => {
  const { bodies, buffers, settled, engine, body } = start(600_000);
  for (const name of ['one', 'two', 'three']) bodies.next(engine(name), body());
  settled.length = 0;
  bodies.trim();
  expect([settled, buffers.bytes, bodies.bytes]).toEqual([['one'], 300_000, 600_000]);
});

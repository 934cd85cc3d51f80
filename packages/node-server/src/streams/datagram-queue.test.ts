import { expect, test } from 'vitest';
import { DatagramQueue } from './datagram-queue.js';

const texts = (datagrams: Buffer[]): string[] => datagrams.map((datagram) => datagram.toString());

test('the oldest goes when there are too many, and it is counted', () => {
  const queue = new DatagramQueue({ maxFlowDatagrams: 2, maxFlowBytes: 100 });
  expect([queue.push(Buffer.from('a')), queue.push(Buffer.from('bb')), queue.push(Buffer.from('ccc'))]).toEqual([
    1, 2, 2,
  ]);
  expect([queue.count, queue.bytes, queue.takeDropped(), queue.takeDropped()]).toEqual([2, 5, 1, 0]);
  expect(texts(queue.take(100))).toEqual(['bb', 'ccc']);
});

test('as many of the oldest go as bytes ask for, never the newest', () => {
  const queue = new DatagramQueue({ maxFlowDatagrams: 10, maxFlowBytes: 4 });
  for (const text of ['a', 'b', 'c', 'dddd', 'eeeeeeee']) queue.push(Buffer.from(text));
  expect(queue.takeDropped()).toBe(4);
  expect(texts(queue.take(100))).toEqual(['eeeeeeee']);
});

test('alone, a datagram drops all before it', () => {
  const queue = new DatagramQueue({ maxFlowDatagrams: 10, maxFlowBytes: 100 });
  queue.push(Buffer.from('a'));
  queue.push(Buffer.from('b'));
  expect(queue.push(Buffer.from('cc'), true)).toBe(0);
  expect(texts(queue.take(100))).toEqual(['cc']);
});

test('a take gives whole datagrams while they fit', () => {
  const queue = new DatagramQueue({ maxFlowDatagrams: 10, maxFlowBytes: 100 });
  for (const text of ['aaa', '', 'bbb', 'c']) queue.push(Buffer.from(text));
  expect(texts(queue.take(5))).toEqual(['aaa', '']);
  expect(texts(queue.take(2))).toEqual([]);
  queue.countDropped(3);
  expect([queue.clear(), queue.count, queue.bytes, queue.takeDropped()]).toEqual([4, 0, 0, 3]);
});

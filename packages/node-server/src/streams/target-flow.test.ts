import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/clock.js';
import { NodeError } from '../errors.js';
import { NODE_LIMITS } from '../limits.js';
import { BytePool } from './byte-pool.js';
import { TargetFlow } from './target-flow.js';

class FakeUdp extends EventEmitter {
  sent: string[] = [];
  waiting = 0;
  failure: Error | null = null;
  getSendQueueCount(): number {
    return this.waiting;
  }
  send(datagram: Uint8Array, done: (error: Error | null) => void): void {
    this.sent.push(Buffer.from(datagram).toString());
    done(this.failure);
  }
  close(): void {
    queueMicrotask(() => this.emit('close'));
  }
}

function start(maxPool = 1_000) {
  const socket = new FakeUdp();
  const clock = new ManualClock();
  const pool = new BytePool(maxPool);
  let denial: NodeError | undefined;
  const flow = new TargetFlow(socket as unknown as Socket, {
    pool,
    clock,
    limits: { ...NODE_LIMITS, maxFlowSending: 2, floorBytes: 10 },
    check: () => {
      if (denial !== undefined) throw denial;
    },
  });
  const deny = (): void => {
    denial = new NodeError('POLICY_DENIED', 'denied');
  };
  return { socket, clock, pool, flow, deny };
}

test('a datagram that the policy denies is not sent, though the flow was opened before', () => {
  const { socket, flow, deny } = start();
  flow.send(Buffer.from('allowed'));
  deny();
  expect(() => flow.send(Buffer.from('denied'))).toThrow(expect.objectContaining({ code: 'POLICY_DENIED' }));
  expect([socket.sent, flow.bytesUp]).toEqual([['allowed'], 7]);
});

test('datagrams that the system does not take are dropped and counted', () => {
  const { socket, flow } = start();
  socket.waiting = 2;
  flow.send(Buffer.from('too many'));
  socket.waiting = 0;
  socket.failure = new Error('ECONNREFUSED');
  flow.send(Buffer.from('refused'));
  socket.emit('error', new Error('ECONNREFUSED'));
  expect([socket.sent, flow.takeDropped(), flow.takeDropped()]).toEqual([['refused'], 2, 0]);
});

test('datagrams are counted while they are held; with the pool full a flow holds its floor', () => {
  const { socket, flow, pool } = start(100);
  socket.emit('message', Buffer.from('12345'));
  expect([flow.readable, pool.used, flow.bytesDown]).toEqual([true, 5, 5]);
  pool.take(100);
  socket.emit('message', Buffer.from('abcde'));
  expect(pool.used).toBe(110);
  socket.emit('message', Buffer.from('!'));
  expect([pool.used, flow.takeDropped()]).toEqual([101, 2]);
  expect(flow.take(100).map(String)).toEqual(['!']);
});

test('a closed flow gives back what it held and takes nothing more', async () => {
  const { socket, flow, pool } = start();
  socket.emit('message', Buffer.from('12345'));
  const closed = [flow.close(), flow.cut()];
  socket.emit('message', Buffer.from('late'));
  expect([pool.used, flow.readable, flow.closed]).toEqual([0, true, true]);
  expect(() => flow.send(Buffer.from('late'))).toThrow(expect.objectContaining({ code: 'STREAM_CLOSED' }));
  await Promise.all(closed);
});

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import type { NodeEngine } from '@millrace/protocol/stream';
import { ManualClock } from '../../test/support/clock.js';
import { quiet } from '../../test/support/eventually.js';
import { NODE_LIMITS } from '../limits.js';
import { PinnedBodies } from './pinned-bodies.js';
import { TargetLink } from './target-link.js';

/** A target in memory: takes bytes at once, or when the test says so. */
class FakeTarget extends Duplex {
  readonly received: string[] = [];
  readonly #taken: Array<() => void> = [];
  stalled = false;

  constructor() {
    super({ allowHalfOpen: true, readableHighWaterMark: 4_096 });
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, taken: () => void): void {
    // An empty write asks whether the connection still is.
    if (bytes.length > 0) this.received.push(bytes.toString());
    if (this.stalled) this.#taken.push(taken);
    else taken();
  }

  takeNow(): void {
    this.#taken.shift()!();
  }

  resetAndDestroy(): void {
    this.destroy();
  }
}

function start(maxPinnedBytes = 1_000) {
  const socket = new FakeTarget();
  const clock = new ManualClock();
  const calls: string[] = [];
  const up: Array<Uint8Array | null> = [];
  const state = { room: 1e6, unacknowledged: 0 };
  const engine = {
    read: () => (up[0] === null ? null : up.shift()),
    consume: (_sid: number, bytes: number) => calls.push(`consume ${bytes}`),
    room: (_sid: number, wanted: number) => Math.min(wanted, state.room),
    write: (_sid: number, bytes: Uint8Array) => calls.push(`write ${Buffer.from(bytes).toString()}`),
    finish: () => calls.push('finish'),
    unacknowledgedBytes: () => state.unacknowledged,
  };
  const pins = new PinnedBodies(maxPinnedBytes);
  const failing: Array<{ settle: () => void }> = [];
  const link = new TargetLink(
    socket as unknown as Socket,
    {
      engine: engine as unknown as NodeEngine,
      sid: 0,
      clock,
      limits: NODE_LIMITS,
      traffic: { up: 0, down: 0 },
      wake: () => {},
      failing: (channel) => void failing.push(channel),
      failed: (code) => void calls.push(`failed ${code}`),
    },
    pins,
  );
  return { socket, clock, calls, up, state, pins, failing, link };
}

test('both sides may end in the same turn: that is clean', async () => {
  const { socket, calls, up, failing, link } = start();
  socket.once('end', () => {
    up.push(null);
    link.sendUp();
  });
  socket.push(null);
  await quiet();
  expect([calls, failing, socket.destroyed]).toEqual([['finish'], [], true]);
});

test('a piece that the target does not take at once is used up when it is, and the next waits where much is kept', async () => {
  const { socket, calls, up, pins, link } = start();
  socket.stalled = true;
  up.push(Buffer.from('one'), Buffer.from('two'), null);
  link.sendUp();
  link.sendUp();
  expect([socket.received, calls]).toEqual([['one'], []]);
  expect(pins.bytes).toBeGreaterThan(0);
  socket.takeNow();
  await quiet();
  expect([socket.received, calls]).toEqual([['one', 'two'], ['consume 3']]);
  expect(socket.writableEnded).toBe(false);
  socket.takeNow();
  await quiet();
  expect([calls, pins.bytes, socket.writableEnded]).toEqual([['consume 3', 'consume 3'], 0, true]);
});

test('pieces at hand go out together, and are used up when the target has all of them', async () => {
  const { socket, calls, up, pins, link } = start(1e6);
  socket.stalled = true;
  const pieces = Buffer.from('onetwo');
  up.push(pieces.subarray(0, 3), pieces.subarray(3), null);
  link.sendUp();
  expect([socket.writableLength, pins.bytes]).toEqual([6, pieces.buffer.byteLength]);
  socket.takeNow();
  await quiet();
  expect([socket.received, calls, socket.writableEnded]).toEqual([['one', 'two'], [], false]);
  socket.takeNow();
  await quiet();
  expect([calls, pins.bytes, socket.writableEnded]).toEqual([['consume 6'], 0, true]);
});

test('no more is read from the target than the engine has room for', async () => {
  const { socket, calls, state, link } = start();
  state.room = 2;
  socket.push('abcde');
  await quiet();
  state.room = 0;
  // What came in before the room was gone went on piece by piece.
  expect(calls.join('')).toBe('write abwrite cdwrite e');
  socket.push('more');
  await quiet();
  expect([calls.length, link.heldBytes]).toEqual([3, 4]);
  state.room = 10;
  link.sendDown();
  expect(calls.at(-1)).toBe('write more');
});

test('a failure waits for what came before it, at the socket and on its way to the client', async () => {
  const { socket, calls, state, failing, link } = start();
  state.room = 0;
  socket.push('last');
  await quiet();
  socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  await quiet();
  expect(failing).toEqual([link]);
  link.settle();
  expect(calls).toEqual([]);
  state.room = 10;
  state.unacknowledged = 4;
  link.sendDown();
  link.settle();
  expect(calls).toEqual(['write last']);
  state.unacknowledged = 0;
  link.settle();
  expect(calls).toEqual(['write last', 'failed TARGET_RESET']);
});

test('a target that takes nothing of the end is cut', async () => {
  const { socket, clock, link } = start();
  socket.stalled = true;
  socket.write('never taken');
  const gone = link.close();
  await clock.scheduled(NODE_LIMITS.writeStallMs);
  expect(socket.destroyed).toBe(false);
  clock.advance(NODE_LIMITS.writeStallMs);
  await gone;
  expect(clock.count(NODE_LIMITS.writeStallMs)).toBe(0);
});

test('a read is not taken apart for the room there is while as much is on its way', async () => {
  const { socket, calls, state, link } = start();
  state.room = 3;
  state.unacknowledged = 6;
  socket.push('12345');
  await quiet();
  expect(calls).toEqual([]);
  // Little is on its way that would make room.
  state.unacknowledged = 5;
  link.sendDown();
  expect(calls).toEqual(['write 123', 'write 45']);
});

test('a socket keeps one read, however much was read from it at once and whatever room there was', async () => {
  const { socket, calls, state } = start();
  state.room = 0;
  socket.push(Buffer.alloc(60_000, 'a'));
  await quiet();
  expect([calls, socket.readableLength]).toEqual([[], 60_000]);
  state.room = 50_000;
  socket.emit('readable');
  expect(calls.length).toBeGreaterThan(1);
  expect([
    calls.map((call) => call.length - 'write '.length).reduce((sum, bytes) => sum + bytes),
    socket.readableLength,
  ]).toEqual([60_000, 0]);
  expect(socket.readableHighWaterMark).toBe(4_096);
});

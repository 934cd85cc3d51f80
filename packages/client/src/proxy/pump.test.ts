import { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PatternChecker, fill } from '@millrace/testkit';
import type { Application } from '../../test/proxy/application.js';
import { connectTo } from '../../test/proxy/application.js';
import type { FakeStream, FakeTunnel } from '../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../test/proxy/fake-tunnel.js';
import { startForward } from './forward.js';
import { PROXY_LIMITS } from './limits.js';

// A forward is the pump with nothing before it.

let tunnel: FakeTunnel;
let closers: Array<() => Promise<void> | void>;

beforeEach(() => {
  tunnel = fakeTunnel();
  closers = [];
});

afterEach(async () => {
  for (const close of closers) await close();
});

async function pumped(halfClosedIdleMs?: number): Promise<{ app: Application; stream: FakeStream }> {
  const forward = await startForward(tunnel, {
    listen: '127.0.0.1:0',
    host: 'example.org',
    port: 1,
    ...(halfClosedIdleMs && { halfClosedIdleMs }),
  });
  closers.push(() => forward.close());
  const app = await connectTo(forward.address);
  closers.unshift(() => void app.socket.destroy());
  return { app, stream: (await tunnel.connects.next()).accept() };
}

test('an application that ends its side first still hears the target', async () => {
  const { app, stream } = await pumped();
  app.socket.end('question');
  await stream.ended;
  expect((await stream.received(8)).toString()).toBe('question');
  await stream.send('answer');
  stream.end();
  expect((await app.readToEnd()).toString()).toBe('answer');
});

test('a target that ends its side first still hears the application', async () => {
  const { app, stream } = await pumped();
  await stream.send('hello');
  stream.end();
  expect((await app.readToEnd()).toString()).toBe('hello');
  app.write('still here');
  expect((await stream.received(10)).toString()).toBe('still here');
  app.socket.end();
  await stream.ended;
});

test('a target that resets is a reset for the application, after an end of either side too', async () => {
  const plain = await pumped();
  plain.stream.cut();
  expect(await plain.app.over).toBe('ECONNRESET');

  const ended = await pumped();
  ended.app.socket.end();
  await ended.stream.ended;
  ended.stream.cut();
  expect(await ended.app.over).toBe('ECONNRESET');
});

test('an application that resets resets the stream, after an end of either side too', async () => {
  const plain = await pumped();
  plain.app.socket.resetAndDestroy();
  expect(await plain.stream.resetBy).toBe('ABORTED');

  const ended = await pumped();
  ended.stream.end();
  await ended.app.over;
  ended.app.write('x');
  await ended.stream.received(1);
  ended.app.socket.resetAndDestroy();
  expect(await ended.stream.resetBy).toBe('ABORTED');
  expect(tunnel.open).toBe(0);
});

test('a clean end of both sides is no reset, whichever side is first', async () => {
  const resets: string[] = [];
  for (const first of ['application', 'target']) {
    const { app, stream } = await pumped();
    void stream.resetBy.then((code) => resets.push(code));
    stream.hold();
    app.write('held back');
    if (first === 'application') app.socket.end();
    stream.end();
    if (first === 'target') app.socket.end();
    await app.readToEnd();
    // The socket is closed in full now, and its last bytes are still on their way.
    stream.release();
    expect((await stream.received(9)).toString()).toBe('held back');
    await stream.ended;
  }
  expect(resets).toEqual([]);
  expect(tunnel.open).toBe(0);
});

test('a target that takes no more bytes: what it sends is handed on, then the application is reset', async () => {
  const { app, stream } = await pumped();
  stream.refuseWrites();
  app.write('for nobody');
  await stream.send('the answer');
  expect((await app.read(10)).toString()).toBe('the answer');
  stream.end();
  await new Promise<void>((resolve) => {
    app.socket.once('close', resolve);
    const push = () => {
      if (!app.socket.destroyed) app.socket.write('x', () => setImmediate(push));
    };
    push();
  });
});

test('what is at hand goes to the application in one system call', async () => {
  const { app, stream } = await pumped();
  const writes: number[] = [];
  const note = (socket: Socket, chunks: number): void => {
    if (socket.remotePort === app.socket.localPort) writes.push(chunks);
  };
  const { _write: one, _writev: many } = Socket.prototype;
  Socket.prototype._write = function (this: Socket, ...args) {
    note(this, 1);
    one.apply(this, args);
  };
  Socket.prototype._writev = function (this: Socket, chunks, callback) {
    note(this, chunks.length);
    many?.call(this, chunks, callback);
  };
  closers.push(async () => void Object.assign(Socket.prototype, { _write: one, _writev: many }));
  await Promise.all(['a', 'b', 'c'].map((text) => stream.send(text)));
  await app.readUntil('abc');
  expect(writes).toEqual([3]);
  // And alone when nothing else is.
  await stream.send('d');
  await app.readUntil('d');
  expect(writes).toEqual([3, 1]);
});

test('an application that does not read stops the target, and nothing is lost', async () => {
  const { app, stream } = await pumped();
  app.socket.pause();
  const bytes = Buffer.alloc(65_536);
  let sent = 0;
  // Until a piece finds no room: the sockets' buffers and those of the streams are full then.
  for (let waiting = false; !waiting;) {
    fill(bytes, sent, 7);
    await stream.send(Buffer.from(bytes));
    sent += bytes.length;
    // Two turns of the event loop take what can be taken.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    waiting = stream.unread >= 4;
  }
  stream.end();
  const checker = new PatternChecker(7);
  for (let left = sent; left > 0;) {
    app.socket.resume();
    const piece = await app.read(Math.min(left, 65_536));
    checker.push(piece);
    left -= piece.length;
  }
  checker.end(sent);
  expect(await app.over).toBe('end');
});

test('a target that does not read stops the application, and nothing is lost', async () => {
  const { app, stream } = await pumped();
  stream.hold();
  const piece = Buffer.alloc(65_536);
  let written = 0;
  let stopped = false;
  while (!stopped) {
    fill(piece, written, 9);
    stopped = !app.socket.write(Buffer.from(piece));
    written += piece.length;
    // A write that is taken at once says nothing yet: the kernel's buffers hold some megabytes.
    if (stopped) stopped = await stays(app);
  }
  expect(stream.receivedBytes).toBe(0);
  app.socket.end();
  stream.release();
  const received = await stream.received(written);
  const checker = new PatternChecker(9);
  checker.push(received);
  checker.end(written);
  await stream.ended;
  expect(written).toBeGreaterThan(PROXY_LIMITS.maxHeldBytes);
});

/** Whether the socket is still full after the event loop has gone round a hundred times. */
async function stays(app: Application): Promise<boolean> {
  for (let i = 0; i < 100 && app.socket.writableNeedDrain; i++) await new Promise((resolve) => setImmediate(resolve));
  return app.socket.writableNeedDrain;
}

test('a target that stays silent for long after the application has ended its side is let go', async () => {
  const { app, stream } = await pumped(1);
  app.socket.end();
  expect(await stream.resetBy).toBe('STREAM_CLOSED');
  expect(await app.over).toBe('ECONNRESET');
});

test('while the application has not ended its side, silence is not measured', async () => {
  const { app, stream } = await pumped(1);
  const turns = Array.from({ length: 50 });
  for (const _ of turns) await new Promise((resolve) => setImmediate(resolve));
  await stream.send('late');
  expect((await app.read(4)).toString()).toBe('late');
});

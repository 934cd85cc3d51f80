import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { HalfClosedWatch } from './half-closed-watch.js';

afterEach(() => {
  vi.useRealTimers();
});

async function socketPair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = await accepted;
  server.close();
  return [near, far];
}

test('an application that has left is noticed by a probe, though nothing is sent to it', async () => {
  const [near, far] = await socketPair();
  far.end();
  near.resume();
  await once(near, 'end');
  // The system of an application that has left answers by a reset: here at once, there after a minute.
  far.resetAndDestroy();
  await once(far, 'close');
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const watch = new HalfClosedWatch(near, 3_600_000, () => {});
  const failed = once(near, 'error').catch((error: unknown) => [error]);
  watch.start();
  vi.advanceTimersByTime(10_000);
  const [error] = await failed;
  expect((error as NodeJS.ErrnoException).code).toMatch(/ECONNRESET|EPIPE/);
  watch.stop();
});

test('an application that listens is left alone, and gets no byte', async () => {
  const [near, far] = await socketPair();
  far.end();
  near.resume();
  await once(near, 'end');
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const watch = new HalfClosedWatch(near, 3_600_000, () => {});
  watch.start();
  vi.advanceTimersByTime(100_000);
  watch.stop();
  near.end('the answer');
  const chunks: Buffer[] = [];
  for await (const chunk of far) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('the answer');
});

test('silence is measured from the last byte of the target', async () => {
  const [near, far] = await socketPair();
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const silent = vi.fn<() => void>();
  const watch = new HalfClosedWatch(near, 1000, silent);
  watch.start();
  vi.advanceTimersByTime(999);
  watch.heard();
  vi.advanceTimersByTime(999);
  expect(silent).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(silent).toHaveBeenCalledOnce();
  watch.stop();
  near.destroy();
  far.destroy();
});

test('a watch that was stopped does not start', async () => {
  const [near, far] = await socketPair();
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const watch = new HalfClosedWatch(near, 1, () => {});
  watch.stop();
  watch.start();
  expect(vi.getTimerCount()).toBe(0);
  near.destroy();
  far.destroy();
});

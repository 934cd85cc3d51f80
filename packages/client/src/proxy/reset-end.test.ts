import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { endedByReset } from './reset-end.js';

let sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
});

async function socketPair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = await accepted;
  await once(near, 'connect');
  server.close();
  sockets.push(near, far);
  return [near, far];
}

test('an end is an end, with bytes before it or not', async () => {
  for (const bytes of ['', 'last bytes']) {
    const [near, far] = await socketPair();
    far.end(bytes);
    near.resume();
    await once(near, 'end');
    expect(endedByReset(near)).toBe(false);
  }
});

test('a reset that comes with the last bytes is told from an end', async () => {
  const [near, far] = await socketPair();
  const over = new Promise<boolean>((resolve) => {
    near.once('end', () => resolve(endedByReset(near)));
    near.once('error', () => resolve(true));
  });
  far.write('last bytes');
  far.resetAndDestroy();
  await once(far, 'close');
  near.resume();
  expect(await over).toBe(true);
});

test('an end after our own is an end', async () => {
  const [near, far] = await socketPair();
  near.end();
  far.resume();
  await once(far, 'end');
  far.end('answer');
  near.resume();
  await once(near, 'end');
  expect(endedByReset(near)).toBe(false);
});

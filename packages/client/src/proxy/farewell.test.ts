import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { connectTo } from '../../test/proxy/application.js';
import { farewell } from './farewell.js';
import { Inlet } from './inlet.js';

async function socketPair() {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const app = await connectTo(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [socket] = await accepted;
  server.close();
  return { app, socket };
}

test('the answer arrives although bytes were never read', async () => {
  const { app, socket } = await socketPair();
  app.write(Buffer.alloc(1_000_000));
  farewell(new Inlet(socket), 'no', 60_000);
  expect((await app.readToEnd()).toString()).toBe('no');
  app.socket.end();
  await once(socket, 'close');
});

test('who does not leave is reset in the end', async () => {
  const { app, socket } = await socketPair();
  farewell(new Inlet(socket), 'no', 1);
  await once(socket, 'close');
  app.socket.destroy();
});

test('nothing is said to who is gone', async () => {
  const { app, socket } = await socketPair();
  app.socket.destroy();
  socket.destroy();
  farewell(new Inlet(socket), 'no', 1);
  expect(socket.destroyed).toBe(true);
});

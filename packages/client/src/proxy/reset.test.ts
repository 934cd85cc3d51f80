import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { reset } from './reset.js';

test('a socket whose end is still on its way closes all the same', async (context) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  context.onTestFinished(() => void server.close());
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  far.on('error', () => {});
  context.onTestFinished(() => void far.destroy());
  const [socket] = (await once(server, 'connection')) as [Socket];
  const closed = once(socket, 'close');
  socket.end();
  expect(socket.writableFinished).toBe(false);
  reset(socket);
  await closed;
});

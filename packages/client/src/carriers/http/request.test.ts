import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSocket, SessionCache } from './connect.js';
import { Connection } from './connection.js';
import { startRequest } from './request.js';

const accepted: Socket[] = [];
const server = createServer((socket) => {
  socket.on('error', () => {});
  accepted.push(socket);
});

beforeEach(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));

afterEach(async () => {
  for (const socket of accepted.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function connection(): Promise<Connection> {
  const { port } = server.address() as AddressInfo;
  const target = { secure: false, host: '127.0.0.1', port, tlsName: '', timeoutMs: 5_000 };
  const socket = await openSocket(target, new SessionCache(), new AbortController().signal);
  return new Connection('http://127.0.0.1', socket, { onIdleLoss: () => {} });
}

const request = { method: 'POST' as const, path: '/', body: new Uint8Array(3), maxBytes: 100 };
const hooks = { onSent: () => {}, onBytes: () => {} };

test('on a connection that is lost at the last moment nothing is sent, and that is known', async () => {
  const lost = await connection();
  lost.take();
  lost.socket.destroy();
  const running = startRequest(lost, request, hooks);
  expect(await running.ended).toMatchObject({ end: 'broken', progress: 'not-sent' });
  expect(lost.giveBack()).toBe(false);
  await lost.close();
});

test('a request that is given up before it could be sent is not sent', async () => {
  const ready = await connection();
  ready.take();
  const running = startRequest(ready, request, hooks);
  running.abort(new Error('given up'));
  expect(await running.ended).toMatchObject({ end: 'broken', progress: 'not-sent' });
  await ready.close();
});

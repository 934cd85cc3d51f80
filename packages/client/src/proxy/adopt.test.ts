import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { patternBytes } from '@millrace/testkit';
import { adopt, uploadMemory } from './adopt.js';

const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A connection as a proxy has it, and the application's end of it. */
async function start() {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const application = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const socket = adopt(accepted);
  closers.push(
    () => application.destroy(),
    () => socket.destroy(),
    () => server.close(),
  );
  return { server, application, accepted, socket };
}

test('bytes, ends and addresses of an adopted connection are those of any', async () => {
  const { server, application, accepted, socket } = await start();
  expect(socket).not.toBe(accepted);
  const sent = patternBytes(1_000_000, 1);
  application.end(sent);
  const got: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    got.push(Buffer.from(chunk));
    uploadMemory.give(chunk);
  }
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  expect([socket.remotePort, socket.localPort]).toEqual([
    application.localPort,
    (server.address() as AddressInfo).port,
  ]);
  const closed = once(socket, 'close');
  socket.end('bye');
  const [answer] = (await once(application, 'data')) as [Buffer];
  expect(answer.toString()).toBe('bye');
  await closed;
  // The server waits for its connections.
  await new Promise((done) => server.close(done));
});

test('a reset passes both ways', async () => {
  const one = await start();
  const failed = once(one.socket, 'error');
  one.application.resetAndDestroy();
  one.socket.resume();
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  const two = await start();
  two.socket.resetAndDestroy();
  expect((await once(two.application, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
});

test('a connection that is gone already, or has no handle, is used as it is', async () => {
  const { socket } = await start();
  socket.destroy();
  await once(socket, 'close');
  expect(adopt(socket)).toBe(socket);
});

/** An answer that comes before all of its request has left, as a redirect may. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { httpCarrier, HttpRelay, textOf } from './support/http-relay.js';

/** More than the system keeps between two sockets. */
const BODY_BYTES = 64 << 20;

test('what had not left when the relay sent the body elsewhere never leaves, since its memory may be used again', async () => {
  await using relay = await HttpRelay.start();
  let posted: Socket | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      posted = socket;
      socket.pause();
      socket.write(`HTTP/1.1 307 Elsewhere\r\nlocation: ${relay.url}/\r\ncontent-length: 0\r\n\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  await using carrier = httpCarrier({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });

  const body = Buffer.alloc(BODY_BYTES, 1);
  expect(textOf(await carrier.send(body))).toBe('{"r":[]}');
  expect((await relay.requests.at(0)).body).toHaveLength(BODY_BYTES);
  body.fill(2);

  const late: Buffer[] = [];
  const closed = new Promise<void>((resolve) => void posted!.once('close', () => resolve()));
  posted!.on('data', (chunk: Buffer) => {
    late.push(chunk);
    if (chunk.includes(2)) posted!.destroy();
  });
  posted!.resume();
  await closed;
  const rest = Buffer.concat(late);
  expect(rest.includes(2)).toBe(false);
  expect(rest.length).toBeLessThan(BODY_BYTES);
});

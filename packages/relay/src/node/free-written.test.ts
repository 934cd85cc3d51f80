import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { freeWritten } from './free-written.js';

/** A connected pair. */
async function pair() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  return { near, far };
}

const filled = (bytes: number, value: number): Buffer => Buffer.allocUnsafeSlow(bytes).fill(value);

test('what was written arrives, and its memory is freed when the system has it, not before', async () => {
  const { near, far } = await pair();
  freeWritten(near);
  far.pause();
  const chunks = Array.from({ length: 256 }, (_, value) => filled(65_536, value));
  let most = 0;
  for (const chunk of chunks) {
    near.write(chunk);
    most = Math.max(most, near.writableLength);
  }
  // Of what waits nothing may be freed: the reader has not begun.
  expect(most).toBeGreaterThan(65_536);
  expect(chunks.at(-1)!.length).toBe(65_536);
  const got: Buffer[] = [];
  far.on('data', (chunk: Buffer) => got.push(chunk)).resume();
  near.end();
  await once(far, 'end');
  const expected = Buffer.concat(Array.from({ length: 256 }, (_, value) => filled(65_536, value)));
  expect(Buffer.concat(got).equals(expected)).toBe(true);
  expect(chunks.map(({ length }) => length)).toEqual(chunks.map(() => 0));
  far.destroy();
});

test('texts, small chunks, parts of something and what its writer waits for stay as they are', async () => {
  const { near, far } = await pair();
  freeWritten(near);
  const whole = filled(65_536, 1);
  const [small, part, waited] = [filled(100, 2), whole.subarray(1), filled(65_536, 3)];
  near.write('head', 'latin1');
  near.write(small);
  near.write(part);
  await new Promise((resolve) => near.write(waited, resolve));
  expect([small.length, whole.length, waited.length]).toEqual([100, 65_536, 65_536]);
  near.destroy();
  far.destroy();
});

test('what was not written is not freed', async () => {
  const { near, far } = await pair();
  freeWritten(near);
  near.on('error', () => {});
  far.pause();
  const chunks = Array.from({ length: 256 }, (_, value) => filled(65_536, value));
  for (const chunk of chunks) near.write(chunk);
  const closed = once(near, 'close');
  near.destroy();
  await closed;
  expect(chunks.at(-1)!.length).toBe(65_536);
  far.destroy();
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectTo } from '../../test/proxy/application.js';
import type { FakeTunnel } from '../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../test/proxy/fake-tunnel.js';
import { startForward } from './forward.js';
import type { ForwardOptions } from './options.js';

let tunnel: FakeTunnel;
let closers: Array<() => Promise<void> | void>;

beforeEach(() => {
  tunnel = fakeTunnel();
  closers = [];
});

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers) await close();
});

async function application(options: Partial<ForwardOptions> = {}) {
  const forward = await startForward(tunnel, { listen: '127.0.0.1:0', host: 'example.org', port: 2222, ...options });
  closers.push(() => forward.close());
  return connectTo(forward.address);
}

test('a forward opens without waiting for bytes, so that a server may speak first', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const app = await application();
  const connect = await tunnel.connects.next();
  expect(connect.options).toMatchObject({ host: 'example.org', port: 2222 });
  expect(connect.firstBytes.length).toBe(0);
  const stream = connect.accept();
  await stream.send('SSH-2.0-test\r\n');
  expect(await app.readUntil('\r\n')).toBe('SSH-2.0-test\r\n');
  app.write('SSH-2.0-app\r\n');
  expect((await stream.received(13)).toString()).toBe('SSH-2.0-app\r\n');
});

test('bytes sent before the dial is over arrive in order, in any number of writes', async () => {
  const app = await application();
  const words = Array.from({ length: 500 }, (_, i) => `${i} `);
  const text = words.join('');
  for (const word of words.slice(0, 250)) app.write(word);
  const connect = await tunnel.connects.next();
  for (const word of words.slice(250, 400)) app.write(word);
  const stream = connect.accept();
  for (const word of words.slice(400)) app.write(word);
  expect((await stream.received(text.length)).toString()).toBe(text);
});

test('with early replies the first bytes travel with the connect', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const app = await application({ openReply: 'early' });
  app.write('first');
  const connect = await tunnel.connects.next();
  expect(connect.firstBytes.toString()).toBe('first');
});

test('with early replies the wait for first bytes ends', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  await application({ openReply: 'early' });
  const connecting = tunnel.connects.next();
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(50);
  expect((await connecting).firstBytes.length).toBe(0);
});

test.each(['result', 'early'] as const)('a dial that fails resets the socket (%s)', async (openReply) => {
  const app = await application({ openReply, firstBytesMs: 0 });
  (await tunnel.connects.next()).fail('DIAL_REFUSED');
  expect(await app.over).toBe('ECONNRESET');
});

test('more first bytes than a connect carries follow it', async () => {
  const app = await application();
  const bytes = Buffer.alloc(1_000_000, 'abcdefghijk');
  app.write(bytes);
  const connect = await tunnel.connects.next();
  expect(connect.firstBytes.length).toBeLessThanOrEqual(65_536);
  expect(await connect.accept().received(bytes.length)).toEqual(bytes);
});

test('closing resets what is open and gives up what is being dialled', async () => {
  const forward = await startForward(tunnel, { listen: '127.0.0.1:0', host: 'example.org', port: 1 });
  const open = await connectTo(forward.address);
  const stream = (await tunnel.connects.next()).accept();
  const dialling = await connectTo(forward.address);
  await tunnel.connects.next();
  await Promise.all([forward.close(), forward.close()]);
  expect(await open.over).toBe('ECONNRESET');
  expect(await dialling.over).toBe('ECONNRESET');
  expect(await stream.resetBy).toBe('ABORTED');
  expect(tunnel.open).toBe(0);
});

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Application } from '../../../test/proxy/application.js';
import { connectTo } from '../../../test/proxy/application.js';
import type { FakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import { startHttpProxy } from './server.js';

let tunnel: FakeTunnel;
let closers: Array<() => Promise<void> | void>;

beforeEach(() => {
  tunnel = fakeTunnel();
  closers = [];
});

afterEach(async () => {
  for (const close of closers) await close();
});

async function application(): Promise<Application> {
  const proxy = await startHttpProxy(tunnel, { listen: '127.0.0.1:0' });
  closers.push(() => proxy.close());
  const app = await connectTo(proxy.address);
  closers.unshift(() => void app.socket.destroy());
  return app;
}

const UPGRADE = [
  'GET http://example.org/chat HTTP/1.1',
  'Host: example.org',
  'Proxy-Connection: keep-alive',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: x',
  '',
  '',
].join('\r\n');
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

test('after the target has agreed, bytes go both ways as they are', async () => {
  const app = await application();
  app.write(`${UPGRADE}first frame`);
  const connect = await tunnel.connects.next();
  expect(connect.options).toMatchObject({ host: 'example.org', port: 80 });
  expect(connect.firstBytes.toString()).toBe(
    'GET /chat HTTP/1.1\r\nHost: example.org\r\nSec-WebSocket-Key: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  const stream = connect.accept();
  // In pieces, and with the first frame behind it.
  await stream.send(SWITCHED.slice(0, 30));
  await stream.send(`${SWITCHED.slice(30)}frame`);
  expect(await app.readUntil('\r\n\r\nframe')).toBe(`${SWITCHED}frame`);
  expect((await stream.received(connect.firstBytes.length + 11)).toString()).toMatch(/first frame$/);
  app.write('second');
  expect((await stream.received(connect.firstBytes.length + 17)).toString()).toMatch(/second$/);
  stream.end();
  app.socket.end();
  expect(await app.over).toBe('end');
});

test('interim answers come before the agreement', async () => {
  const app = await application();
  app.write(UPGRADE);
  const stream = (await tunnel.connects.next()).accept();
  await stream.send(`HTTP/1.1 103 Early Hints\r\n\r\n${SWITCHED}`);
  expect(await app.readUntil('websocket\r\n\r\n')).toBe(`HTTP/1.1 103 Early Hints\r\n\r\n${SWITCHED}`);
});

test('a target that does not agree: its answer is handed on, and the connection ends with it', async () => {
  const app = await application();
  app.write(UPGRADE);
  const stream = (await tunnel.connects.next()).accept();
  await stream.send(
    'HTTP/1.1 403 Forbidden\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nX: y\r\nContent-Length: 2\r\n\r\nno',
  );
  stream.end();
  expect((await app.readToEnd()).toString()).toBe(
    'HTTP/1.1 403 Forbidden\r\nX: y\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
  );
});

test.each([
  ['in one piece with its head', 'Content-Length: 2', 'no', ''],
  ['in pieces', 'content-length:  10 ', 'not ', 'today!'],
  ['without a body', 'Content-Length: 0', '', ''],
])(
  'an answer %s ends the connection with its last byte, though the target keeps its own',
  async (_what, field, one, other) => {
    const app = await application();
    app.write(UPGRADE);
    const stream = (await tunnel.connects.next()).accept();
    await stream.send(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n${one}`);
    if (other !== '') await stream.send(other);
    const answer = (await app.readToEnd()).toString();
    expect(answer.split('\r\n\r\n')[1]).toBe(one + other);
    await stream.resetBy;
  },
);

test('after another answer nothing that the application sends reaches the target', async () => {
  const app = await application();
  app.write(UPGRADE);
  const connect = await tunnel.connects.next();
  const stream = connect.accept();
  await stream.send('HTTP/1.1 200 OK\r\n\r\nok');
  await app.readUntil('\r\n\r\nok');
  app.socket.end('GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n');
  await stream.resetBy;
  expect(stream.receivedBytes).toBe(connect.firstBytes.length);
});

test('a dial that fails has its status', async () => {
  const app = await application();
  app.write(UPGRADE);
  (await tunnel.connects.next()).fail('POLICY_DENIED');
  expect((await app.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 403 /);
});

test.each([
  ['ends without an answer', ''],
  ['does not speak HTTP', 'hello, this is something else'],
  ['sends a head without a status', 'HTTP/1.1 x\r\n\r\n'],
  ['sends a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`],
])('a target that %s is answered 502', async (_what, bytes) => {
  const app = await application();
  app.write(UPGRADE);
  const stream = (await tunnel.connects.next()).accept();
  if (bytes === '') stream.end();
  else await stream.send(bytes);
  const answer = (await app.readToEnd()).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 502 /);
  expect(answer).toContain('TARGET_NOT_HTTP');
});

test('HTTP/2 by upgrade is left out of the request', async () => {
  const app = await application();
  app.write(
    'GET http://example.org/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
  );
  expect((await tunnel.connects.next()).firstBytes.toString()).toBe(
    'GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n',
  );
});

test('an upgrade with a body is refused', async () => {
  const app = await application();
  app.write(UPGRADE.replace('Upgrade:', 'Content-Length: 4\r\nUpgrade:'));
  expect((await app.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 501 /);
});

test('an upgrade of the proxy itself gets the page that says what this is', async () => {
  const app = await application();
  app.write(UPGRADE.replace('http://example.org', ''));
  expect((await app.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 400 .*HTTP proxy of Millrace/s);
});

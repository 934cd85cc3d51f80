import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ErrorCode } from '@millrace/protocol';
import type { Application } from '../../../test/proxy/application.js';
import { connectTo } from '../../../test/proxy/application.js';
import type { FakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import type { ProxyListener } from '../listener.js';
import type { ProxyOptions } from '../options.js';
import { startSocks5 } from './server.js';

const GREETING = Buffer.from([5, 1, 0]);
const SUCCESS = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

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

async function start(options: Partial<ProxyOptions> = {}): Promise<ProxyListener> {
  const proxy = await startSocks5(tunnel, { listen: '127.0.0.1:0', ...options });
  closers.push(() => proxy.close());
  return proxy;
}

async function application(options: Partial<ProxyOptions> = {}): Promise<Application> {
  const proxy = await start(options);
  const app = await connectTo(proxy.address);
  closers.unshift(() => void app.socket.destroy());
  return app;
}

function request(host: string, port: number, command = 1): Buffer {
  return Buffer.concat([Buffer.from([5, command, 0, 3, host.length]), Buffer.from(host), word(port)]);
}

function login(user: string, password: string): Buffer {
  return Buffer.concat([
    Buffer.from([1, user.length]),
    Buffer.from(user),
    Buffer.from([password.length]),
    Buffer.from(password),
  ]);
}

function word(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function refusals(): string[] {
  return tunnel.seen.flatMap((event) => (event.event === 'proxy-refused' ? [`${event.proxy} ${event.code}`] : []));
}

describe('CONNECT', () => {
  test('carries bytes both ways once the dial has succeeded, and not before', async () => {
    const app = await application();
    app.write(GREETING);
    expect(await app.read(2)).toEqual(Buffer.from([5, 0]));
    app.write(request('example.org', 443));
    const connect = await tunnel.connects.next();
    expect(connect.options).toMatchObject({ host: 'example.org', port: 443, openReply: 'result' });
    const stream = connect.accept();
    expect(await app.read(10)).toEqual(SUCCESS);
    app.write('up');
    expect(await stream.received(2)).toEqual(Buffer.from('up'));
    await stream.send('down');
    expect((await app.read(4)).toString()).toBe('down');
  });

  test('understands a handshake and data in one piece, and sends that data with the connect', async () => {
    const app = await application();
    app.write(Buffer.concat([GREETING, request('example.org', 80), Buffer.from('early bytes')]));
    const connect = await tunnel.connects.next();
    expect(connect.firstBytes.toString()).toBe('early bytes');
    connect.accept();
    expect(await app.read(12)).toEqual(Buffer.concat([Buffer.from([5, 0]), SUCCESS]));
  });

  test('understands a handshake that comes byte by byte', async () => {
    const app = await application({ auth: { user: 'me', password: 'secret' } });
    const bytes = Buffer.concat([
      Buffer.from([5, 2, 0, 2, 1, 2]),
      Buffer.from('me'),
      Buffer.from([6]),
      Buffer.from('secret'),
      request('example.org', 80),
    ]);
    for (const byte of bytes) {
      await new Promise<void>((resolve) => app.socket.write(Buffer.from([byte]), () => resolve()));
    }
    const connect = await tunnel.connects.next();
    expect(connect.options).toMatchObject({ host: 'example.org', port: 80 });
    connect.accept();
    expect(await app.read(14)).toEqual(Buffer.concat([Buffer.from([5, 2, 1, 0]), SUCCESS]));
  });

  test.each<[string, Buffer, string]>([
    ['an IPv4 address', Buffer.from([5, 1, 0, 1, 192, 0, 2, 7]), '192.0.2.7'],
    [
      'an IPv6 address',
      Buffer.concat([Buffer.from([5, 1, 0, 4]), Buffer.from('20010db8'.padEnd(31, '0') + '1', 'hex')]),
      '2001:db8::1',
    ],
    ['a name that is an IPv6 address', Buffer.concat([Buffer.from([5, 1, 0, 3, 5]), Buffer.from('[::1]')]), '::1'],
  ])('takes %s', async (_what, head, host) => {
    const app = await application();
    app.write(Buffer.concat([GREETING, head, word(8080)]));
    expect((await tunnel.connects.next()).options).toMatchObject({ host, port: 8080 });
  });

  test.each<[ErrorCode, number]>([
    ['POLICY_DENIED', 2],
    ['DIAL_NET_UNREACHABLE', 3],
    ['DIAL_HOST_UNREACHABLE', 4],
    ['DIAL_NAME_NOT_FOUND', 4],
    ['DIAL_NAME_FAILED', 4],
    ['DIAL_REFUSED', 5],
    ['DIAL_TIMEOUT', 6],
    ['DIAL_FAILED', 1],
    ['NODE_BUSY', 1],
    ['RELAY_OFFLINE', 1],
    ['INTERNAL', 1],
  ])('answers %s with reply %i and ends the connection', async (code, expected) => {
    const app = await application();
    app.write(Buffer.concat([GREETING, request('example.org', 80)]));
    (await tunnel.connects.next()).fail(code);
    expect(await app.readToEnd()).toEqual(Buffer.from([5, 0, 5, expected, 0, 1, 0, 0, 0, 0, 0, 0]));
  });

  test('gives up the dial when the application goes away', async () => {
    const app = await application();
    app.write(Buffer.concat([GREETING, request('example.org', 80)]));
    const { options } = await tunnel.connects.next();
    const aborted = new Promise((resolve) => options.signal?.addEventListener('abort', () => resolve(undefined)));
    app.socket.resetAndDestroy();
    await aborted;
  });

  test('an application that ends its side during the dial still gets the answer', async () => {
    const app = await application();
    app.write(Buffer.concat([GREETING, request('example.org', 80), Buffer.from('question')]));
    app.socket.end();
    const stream = (await tunnel.connects.next()).accept();
    await stream.ended;
    await stream.send('answer');
    stream.end();
    expect((await app.readToEnd()).subarray(12).toString()).toBe('answer');
  });
});

describe('with early replies', () => {
  test('the application hears of success before the dial, and its first bytes travel with the connect', async () => {
    const app = await application({ openReply: 'early', firstBytesMs: 1000 });
    app.write(Buffer.concat([GREETING, request('example.org', 443)]));
    await app.read(12);
    app.write('first');
    const connect = await tunnel.connects.next();
    expect(connect.firstBytes.toString()).toBe('first');
    expect(connect.options.openReply).toBe('early');
    app.write(' second');
    const stream = connect.accept();
    app.write(' third');
    expect((await stream.received(18)).toString()).toBe('first second third');
  });

  test.each([21, 22, 25, 80, 110, 143, 587])('first bytes are not waited for on port %i', async (port) => {
    // The clock stands still: a wait would never end.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const app = await application({ openReply: 'early' });
    app.write(Buffer.concat([GREETING, request('example.org', port)]));
    const connect = await tunnel.connects.next();
    expect(connect.firstBytes.length).toBe(0);
    await connect.accept().send('220 hello');
    expect((await app.read(21)).subarray(12).toString()).toBe('220 hello');
  });

  test('a server that speaks first is connected to without first bytes', async () => {
    const app = await application({ openReply: 'early', firstBytesMs: 1 });
    app.write(Buffer.concat([GREETING, request('example.org', 2222)]));
    const connect = await tunnel.connects.next();
    expect(connect.firstBytes.length).toBe(0);
    await connect.accept().send('hello');
    expect((await app.read(17)).subarray(12).toString()).toBe('hello');
  });

  test('a dial that fails resets the socket', async () => {
    const app = await application({ openReply: 'early', firstBytesMs: 0 });
    app.write(Buffer.concat([GREETING, request('example.org', 443)]));
    await app.read(12);
    (await tunnel.connects.next()).fail('DIAL_REFUSED');
    expect(await app.over).toBe('ECONNRESET');
  });
});

describe('authentication', () => {
  const auth = { user: 'me', password: 'secret' };
  test('lets the right user and password in', async () => {
    const app = await application({ auth });
    app.write(Buffer.from([5, 2, 0, 2]));
    expect(await app.read(2)).toEqual(Buffer.from([5, 2]));
    app.write(login('me', 'secret'));
    expect(await app.read(2)).toEqual(Buffer.from([1, 0]));
    app.write(request('example.org', 80));
    await tunnel.connects.next();
    expect(refusals()).toEqual([]);
  });

  test.each([
    ['a wrong password', 'me', 'Secret'],
    ['a wrong user', 'you', 'secret'],
    ['a longer password', 'me', 'secret '],
    ['nothing', '', ''],
  ])('refuses %s', async (_what, user, password) => {
    const app = await application({ auth });
    app.write(Buffer.concat([Buffer.from([5, 1, 2]), login(user, password)]));
    expect(await app.readToEnd()).toEqual(Buffer.from([5, 2, 1, 1]));
    expect(refusals()).toEqual(['socks PROXY_AUTH']);
    expect(tunnel.connects.all).toEqual([]);
  });

  test('refuses a program that offers no user and password', async () => {
    const app = await application({ auth });
    app.write(GREETING);
    expect(await app.readToEnd()).toEqual(Buffer.from([5, 0xff]));
    expect(refusals()).toEqual(['socks PROXY_AUTH']);
  });

  test('refuses a program that insists on credentials where there are none', async () => {
    const app = await application();
    app.write(Buffer.from([5, 1, 2]));
    expect(await app.readToEnd()).toEqual(Buffer.from([5, 0xff]));
  });

  test('refuses a login of another version', async () => {
    const app = await application({ auth });
    app.write(Buffer.from([5, 1, 2, 5, 1, 1]));
    expect(await app.over).toMatch(/ECONNRESET|end/);
    expect(tunnel.connects.all).toEqual([]);
  });
});

describe('what is not served', () => {
  test.each([
    ['BIND', request('example.org', 80, 2), 7],
    ['an unknown command', request('example.org', 80, 9), 7],
    ['an unknown address type', Buffer.from([5, 1, 0, 2, 1, 2, 3, 4]), 8],
    ['port 0', request('example.org', 0), 1],
    ['an empty name', Buffer.from([5, 1, 0, 3, 0, 0, 80]), 1],
    ['a name with a line end', request('exam\nple.org', 80), 1],
  ])('%s is answered with the right reply', async (_what, bytes, code) => {
    const app = await application();
    app.write(Buffer.concat([GREETING, bytes]));
    const answer = await app.readToEnd();
    expect([...answer.subarray(2, 4)]).toEqual([5, code]);
    expect(refusals()).toEqual(['socks PROXY_PROTOCOL']);
  });

  test('SOCKS4 is refused in its own words', async () => {
    const app = await application();
    app.write(Buffer.from([4, 1, 0, 80, 192, 0, 2, 1, 0]));
    expect((await app.readToEnd())[1]).toBe(0x5b);
    expect(refusals()).toEqual(['socks PROXY_PROTOCOL']);
  });

  test('HTTP is told what this port is', async () => {
    const app = await application();
    app.write('GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n');
    const answer = (await app.readToEnd()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('--socks5-hostname');
  });

  test('TLS gets an alert', async () => {
    const app = await application();
    app.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]));
    expect((await app.readToEnd())[0]).toBe(0x15);
  });

  test('anything else is ended without a word', async () => {
    const app = await application();
    app.write(Buffer.from([0xff, 0xff]));
    expect((await app.readToEnd()).length).toBe(0);
  });

  test('a program that does not finish its handshake is reset', async () => {
    const app = await application({ handshakeMs: 1 });
    expect(await app.over).toBe('ECONNRESET');
    expect(refusals()).toEqual(['socks PROXY_PROTOCOL']);
  });

  test('a program that leaves without a word is no event', async () => {
    const app = await application();
    app.socket.end();
    expect(await app.over).toBe('end');
    expect(refusals()).toEqual([]);
  });
});

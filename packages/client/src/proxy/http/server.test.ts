import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '@millrace/protocol';
import type { Application } from '../../../test/proxy/application.js';
import { connectTo } from '../../../test/proxy/application.js';
import type { FakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import type { ProxyOptions } from '../options.js';
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

async function application(options: Partial<ProxyOptions> = {}): Promise<Application> {
  const proxy = await startHttpProxy(tunnel, { listen: '127.0.0.1:0', ...options });
  closers.push(() => proxy.close());
  const app = await connectTo(proxy.address);
  closers.unshift(() => void app.socket.destroy());
  return app;
}

function refusals(): string[] {
  return tunnel.seen.flatMap((event) => (event.event === 'proxy-refused' ? [`${event.proxy} ${event.code}`] : []));
}

function basic(text: string): string {
  return `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
}

const CONNECT = 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n';
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const GET = 'GET http://example.org/page?q=1 HTTP/1.1\r\nHost: example.org\r\n\r\n';

/** Every failure and what an application hears of it. */
const FAILURES: Array<[ErrorCode, number, string]> = [
  ['POLICY_DENIED', 403, 'destination_ip_prohibited'],
  ['DIAL_REFUSED', 502, 'connection_refused'],
  ['DIAL_HOST_UNREACHABLE', 502, 'destination_ip_unroutable'],
  ['DIAL_NAME_NOT_FOUND', 502, 'dns_error'],
  ['DIAL_TIMEOUT', 504, 'connection_timeout'],
  ['RELAY_TIMEOUT', 504, 'proxy_internal_error'],
  ['RELAY_OFFLINE', 502, 'proxy_internal_error'],
  ['NODE_BUSY', 503, 'connection_limit_reached'],
];

describe('CONNECT', () => {
  test('carries bytes both ways once the dial has succeeded', async () => {
    const app = await application();
    app.write(CONNECT);
    const connect = await tunnel.connects.next();
    expect(connect.options).toMatchObject({ host: 'example.org', port: 443, openReply: 'result' });
    const stream = connect.accept();
    expect(await app.readUntil('\r\n\r\n')).toBe(ESTABLISHED);
    app.write('up');
    expect((await stream.received(2)).toString()).toBe('up');
    await stream.send('down');
    expect((await app.read(4)).toString()).toBe('down');
    app.socket.end();
    await stream.ended;
    stream.end();
    expect(await app.over).toBe('end');
  });

  test('bytes behind the request travel with the connect', async () => {
    const app = await application();
    app.write(`${CONNECT}early bytes`);
    expect((await tunnel.connects.next()).firstBytes.toString()).toBe('early bytes');
  });

  test('takes an IPv6 address', async () => {
    const app = await application();
    app.write('CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n');
    expect((await tunnel.connects.next()).options).toMatchObject({ host: '2001:db8::1', port: 443 });
  });

  test('with early replies the answer comes first, and first bytes travel with the connect', async () => {
    const app = await application({ openReply: 'early', firstBytesMs: 1000 });
    app.write(CONNECT);
    await app.readUntil('\r\n\r\n');
    app.write('hello');
    const connect = await tunnel.connects.next();
    expect(connect.firstBytes.toString()).toBe('hello');
    connect.fail('DIAL_REFUSED');
    expect(await app.over).toBe('ECONNRESET');
  });

  test.each(FAILURES)('answers %s with status %i', async (code, status, type) => {
    const app = await application();
    app.write(CONNECT);
    (await tunnel.connects.next()).fail(code);
    const answer = (await app.readToEnd()).toString();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(`Proxy-Status: millrace; error=${type}\r\n`);
    expect(answer).toContain(code);
    expect(answer).toContain('What to do: ');
  });

  test.each(['example.org', 'example.org:0', 'example.org:99999', '/', ':443'])(
    'refuses the target %s',
    async (target) => {
      const app = await application();
      app.write(`CONNECT ${target} HTTP/1.1\r\n\r\n`);
      expect((await app.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  test('gives up the dial when the application goes away', async () => {
    const app = await application();
    app.write(CONNECT);
    const { options } = await tunnel.connects.next();
    const aborted = new Promise((resolve) => options.signal?.addEventListener('abort', () => resolve(undefined)));
    app.socket.resetAndDestroy();
    await aborted;
  });
});

describe('credentials', () => {
  const auth = { user: 'me', password: 'pass:word' };

  test.each([
    ['none', ''],
    ['a wrong password', basic('me:password')],
    ['a wrong user', basic('you:pass:word')],
    ['no colon', basic('me')],
    ['another scheme', 'Proxy-Authorization: Bearer me\r\n'],
    ['broken base64', 'Proxy-Authorization: Basic !!\r\n'],
  ])('asks for them on %s', async (_what, header) => {
    for (const request of [CONNECT, GET, GET.replace('Host', 'Upgrade: websocket\r\nConnection: Upgrade\r\nHost')]) {
      const app = await application({ auth });
      app.write(request.replace('Host', `${header}Host`));
      const answer = await app.readUntil('\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1\.1 407 /);
      expect(answer).toContain('Proxy-Authenticate: Basic realm="millrace"');
    }
    expect(tunnel.connects.all).toEqual([]);
    expect(refusals()).toEqual(header === '' ? [] : Array.from({ length: 3 }, () => 'http PROXY_AUTH'));
  });

  test('lets the right ones in, and does not hand them on', async () => {
    const app = await application({ auth });
    app.write(CONNECT.replace('Host', `${basic('me:pass:word')}Host`));
    expect((await tunnel.connects.next()).firstBytes.length).toBe(0);
    const plain = await application({ auth });
    plain.write(GET.replace('Host', `${basic('me:pass:word')}Host`));
    expect((await tunnel.connects.next()).firstBytes.toString()).not.toMatch(/authorization/i);
  });
});

describe('what is no proxy request', () => {
  test('the own address in a browser gets a page that says what this is', async () => {
    const app = await application({ auth: { user: 'me', password: 'secret' } });
    app.write('GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n');
    const answer = await app.readUntil('just opened.\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('curl -x');
  });

  test.each([
    ['another scheme', 'GET https://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
    ['no host', 'GET http:///x HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
    ['a bad port', 'GET http://example.org:99999/ HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
    ['a header that is too large', `GET http://example.org/ HTTP/1.1\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
    ['something that is not HTTP', 'hello\r\n\r\n', 400],
  ])('%s is answered with a status', async (_what, request, status) => {
    const app = await application();
    app.write(request);
    expect(await app.readUntil('\r\n\r\n')).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(tunnel.connects.all).toEqual([]);
  });

  test('SOCKS5 is refused in its own words', async () => {
    const app = await application();
    app.write(Buffer.from([5, 1, 0]));
    expect(await app.readToEnd()).toEqual(Buffer.from([5, 0xff]));
    expect(refusals()).toEqual(['http PROXY_PROTOCOL']);
  });

  test('SOCKS4 is refused in its own words', async () => {
    const app = await application();
    app.write(Buffer.from([4, 1, 0, 80, 192, 0, 2, 1, 0]));
    expect((await app.readToEnd())[1]).toBe(0x5b);
  });

  test('TLS is ended, and told as an event', async () => {
    const app = await application();
    app.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]));
    await app.over;
    expect(refusals()).toEqual(['http PROXY_PROTOCOL']);
  });

  test('a header that does not come is answered with a timeout', async () => {
    const app = await application({ handshakeMs: 1 });
    app.write('GET http://example.org/ HTTP/1.1\r\n');
    expect(await app.readUntil('\r\n\r\n')).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a plain request', () => {
  test('travels with the connect: head and body', async () => {
    const app = await application();
    app.write('POST http://example.org:81/x HTTP/1.1\r\nHost: wrong\r\nContent-Length: 4\r\nX-One: 1\r\n\r\nbody');
    const connect = await tunnel.connects.next();
    expect(connect.options).toMatchObject({ host: 'example.org', port: 81 });
    expect(connect.firstBytes.toString()).toBe(
      'POST /x HTTP/1.1\r\nHost: example.org:81\r\nContent-Length: 4\r\nX-One: 1\r\nConnection: close\r\n\r\nbody',
    );
  });

  test('loses what is of this connection only, and nothing else: names, order and spelling stay', async () => {
    const app = await application();
    app.write(
      [
        'GET http://user:pass@example.org/a/../b?c=%7e#d HTTP/1.1',
        'hOST: other.example',
        'X-Hop: 1',
        'Proxy-Connection: keep-alive',
        'Connection: keep-alive, X-Hop, Host',
        'Keep-Alive: timeout=5',
        'TE: trailers',
        'Accept: a',
        'accept: b',
        '',
        '',
      ].join('\r\n'),
    );
    expect((await tunnel.connects.next()).firstBytes.toString()).toBe(
      'GET /a/../b?c=%7e HTTP/1.1\r\nHost: example.org\r\nAccept: a\r\naccept: b\r\nConnection: close\r\n\r\n',
    );
  });

  test.each([
    ['GET http://example.org HTTP/1.1', 'GET / HTTP/1.1'],
    ['GET http://example.org?q HTTP/1.1', 'GET /?q HTTP/1.1'],
    ['OPTIONS http://example.org HTTP/1.1', 'OPTIONS * HTTP/1.1'],
    ['GET HTTP://[::1]:8080/ HTTP/1.1', 'GET / HTTP/1.1'],
    ['POST http://example.org/ HTTP/1.1', 'POST / HTTP/1.1'],
  ])('%s becomes %s', async (line, expected) => {
    const app = await application();
    app.write(`${line}\r\nHost: x\r\n\r\n`);
    const { firstBytes } = await tunnel.connects.next();
    expect(firstBytes.toString().split('\r\n')[0]).toBe(expected);
    expect(firstBytes.includes('Content-Length: 0')).toBe(line.startsWith('POST'));
    expect(firstBytes.includes('Transfer-Encoding')).toBe(false);
  });

  test('the head does not wait for a body that is slow', async () => {
    const app = await application();
    app.write('POST http://example.org/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n');
    const connect = await tunnel.connects.next();
    const head = connect.firstBytes.length;
    const stream = connect.accept();
    expect((await stream.received(head)).toString()).toMatch(/Content-Length: 4/);
    app.write('bo');
    await stream.received(head + 2);
    app.write('dy');
    expect((await stream.received(head + 4)).toString()).toMatch(/body$/);
  });

  test.each(FAILURES)('is answered with its status when the dial fails: %s', async (code, status, type) => {
    const app = await application();
    app.write(GET);
    (await tunnel.connects.next()).fail(code);
    const answer = await app.readUntil('What to do: ');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(`Proxy-Status: millrace; error=${type}\r\n`);
    expect(answer).toContain(code);
  });

  test('after a failure the application goes on with the same connection', async () => {
    const app = await application();
    app.write(GET);
    (await tunnel.connects.next()).fail('DIAL_REFUSED');
    await app.readUntil('What to do: ');
    app.write(GET);
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await app.readUntil('\r\n\r\nok')).toContain('200 OK');
  });

  test.each([
    ['nothing', ''],
    ['something that is not HTTP', 'SSH-2.0-x\r\n'],
    ['half a header', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('is answered 502 when the target answers %s', async (_what, bytes) => {
    const app = await application();
    app.write(GET);
    const stream = (await tunnel.connects.next()).accept();
    if (bytes !== '') await stream.send(bytes);
    stream.end();
    const answer = await app.readUntil('What to do: ');
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).toContain('TARGET_NOT_HTTP');
  });

  test('an answer that is cut is cut for the application, however its length is told', async () => {
    for (const head of ['Content-Length: 10', 'Transfer-Encoding: chunked', 'X-Until: the end']) {
      const app = await application();
      app.write(GET);
      const stream = (await tunnel.connects.next()).accept();
      await stream.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
      await stream.send(head.includes('chunked') ? '3\r\nabc\r\n' : 'abc');
      await app.readUntil('abc');
      stream.cut();
      expect(await app.over, head).toBe('ECONNRESET');
    }
  });

  test('an answer that ends too early is cut for the application', async () => {
    const app = await application();
    app.write(GET);
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    stream.end();
    expect(await app.over).toBe('ECONNRESET');
  });

  test('an answer until the end of the connection is complete with it', async () => {
    const app = await application();
    app.write(GET.replace('HTTP/1.1', 'HTTP/1.0'));
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\n\r\nall of it');
    stream.end();
    expect((await app.readToEnd()).toString()).toMatch(/\r\n\r\nall of it$/);
  });

  test('a head whose body is slow is handed on at once', async () => {
    const app = await application();
    app.write(GET);
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    expect(await app.readUntil('\r\n\r\n')).toContain('200 OK');
    await stream.send('ok');
    expect((await app.read(2)).toString()).toBe('ok');
  });

  test('its stream is let go once the answer is over, though the target keeps it', async () => {
    const app = await application();
    app.write(GET);
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 204 No Content\r\n\r\n');
    await app.readUntil('\r\n\r\n');
    await stream.ended;
    expect(await stream.resetBy).toBe('ABORTED');
    expect(tunnel.open).toBe(0);
  });

  test('its stream is let go when the application goes away, while dialling and while answering', async () => {
    const dialling = await application();
    dialling.write(GET);
    const { options } = await tunnel.connects.next();
    const aborted = new Promise((resolve) => options.signal?.addEventListener('abort', () => resolve(undefined)));
    dialling.socket.destroy();
    await aborted;
    const app = await application();
    app.write(GET);
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    await app.readUntil('abc');
    app.socket.destroy();
    expect(await stream.resetBy).toBe('ABORTED');
  });

  test('interim answers are handed on, then the answer', async () => {
    const app = await application();
    app.write('POST http://example.org/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
    const connect = await tunnel.connects.next();
    expect(connect.firstBytes.toString()).toMatch(/Expect: 100-continue/);
    const stream = connect.accept();
    await stream.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
    expect(await app.readUntil('\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
    await stream.send('HTTP/1.1 100 Continue\r\n\r\n');
    expect(await app.readUntil('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    app.write('body');
    expect((await stream.received(connect.firstBytes.length + 4)).toString()).toMatch(/body$/);
    await stream.send('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
    expect(await app.readUntil('\r\n\r\n')).toContain('201 Created');
  });

  test('an answer that comes before the body ends the connection', async () => {
    const app = await application();
    app.write('POST http://example.org/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
    expect(await app.readUntil('\r\n\r\n')).toMatch(/417.*Connection: close/s);
    expect(await app.over).toBe('end');
  });

  test('a failure that comes before the body is heard, and the connection goes on after it', async () => {
    const app = await application();
    const bytes = 5_000_000;
    app.write(`PUT http://example.org/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
    (await tunnel.connects.next()).fail('DIAL_REFUSED');
    app.write(Buffer.alloc(bytes, 'x'));
    app.write(GET);
    expect(await app.readUntil('What to do: ')).toContain('502 Bad Gateway');
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await app.readUntil('\r\n\r\nok')).toContain('200 OK');
  });

  test('an answer that comes before the body is heard, and the connection goes on after it', async () => {
    const app = await application();
    const bytes = 5_000_000;
    app.write(`PUT http://example.org/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
    const early = (await tunnel.connects.next()).accept();
    await early.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno');
    app.write(Buffer.alloc(bytes, 'x'));
    app.write(GET);
    expect(await app.readUntil('\r\n\r\nno')).toContain('413');
    const stream = (await tunnel.connects.next()).accept();
    await stream.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await app.readUntil('\r\n\r\nok')).toContain('200 OK');
    await early.resetBy;
  });

  test('a cut answer that waits behind another one cuts the connection', async () => {
    const app = await application();
    app.write(GET.repeat(2));
    const first = await tunnel.connects.next();
    const second = (await tunnel.connects.next()).accept();
    await second.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    // Once it was taken, the turn of the event loop that takes it brings it to its answer.
    while (second.unread > 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    second.cut();
    expect(await app.over).toBe('ECONNRESET');
    expect(await first.accept().resetBy).toBe('ABORTED');
  });

  test('answers of pipelined requests come in order', async () => {
    const app = await application();
    app.write(GET.replace('page', 'one') + GET.replace('page', 'two'));
    const first = await tunnel.connects.next();
    const second = await tunnel.connects.next();
    expect(second.firstBytes.toString()).toContain('/two');
    await second.accept().send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo');
    await first.accept().send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none');
    expect(await app.readUntil('two')).toMatch(/one.*two$/s);
  });

  test('too many pipelined requests are answered 503', async () => {
    const app = await application();
    app.write(GET.repeat(17));
    for (let i = 0; i < 16; i++) {
      await (await tunnel.connects.at(i)).accept().send('HTTP/1.1 204 No Content\r\n\r\n');
    }
    expect(await app.readUntil('HTTP/1.1 503')).toMatch(/204/);
    expect(tunnel.connects.all.length).toBe(16);
  });
});

test('closing resets what is open, in all its forms', async () => {
  const proxy = await startHttpProxy(tunnel, { listen: '127.0.0.1:0' });
  const opens = [
    CONNECT,
    GET,
    'GET http://example.org/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ];
  const apps = [];
  for (const request of opens) {
    const app = await connectTo(proxy.address);
    apps.push(app);
    app.write(request);
    (await tunnel.connects.next()).accept();
  }
  await proxy.close();
  for (const app of apps) expect(await app.over).toBe('ECONNRESET');
  expect(tunnel.open).toBe(0);
});

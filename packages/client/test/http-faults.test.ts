/** Every way in which a relay fails, against real local servers. */
import { createServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGate, patternBytes } from '@millrace/testkit';
import { makeCertificate, type TestCertificate } from './support/certificate.js';
import { failureOf, httpCarrier, HttpRelay, textOf, type RelayRequest } from './support/http-relay.js';
import { NOBODY, until } from './support/setup.js';

const respond =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  ({ response }: RelayRequest) => {
    response.writeHead(status, headers);
    response.end(body);
  };

describe('http carrier: what a relay answers', () => {
  test('the body comes back, and goes out as it is', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = ({ body, response }) => response.end(body);
    await using carrier = httpCarrier({ url: relay.url });
    const body = patternBytes(8_000_000, 1);
    const answer = await carrier.send(body);
    expect(answer.ok && body.equals(answer.body)).toBe(true);
    const { request } = await relay.requests.at(0);
    expect([request.method, request.url, request.headers['content-type']]).toEqual([
      'POST',
      '/tunnel/batch',
      'application/json',
    ]);
    expect(request.headers['user-agent']).toBeUndefined();
    expect(answer.steps).toEqual(['tcp', 'sent', 'relay-answered']);
  });

  test('the address follows from the kind of the relay, and the token is in it and in no message', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = respond(404, 'Not Found');
    const addresses: string[] = [];
    for (const entry of [
      { url: `${relay.url}/base/`, kind: 'node' as const },
      { url: `${relay.url}/exec?x=1`, kind: 'relay' as const, token: 'a secret&token' },
      { url: `${relay.url}/macros/exec`, kind: 'script' as const, token: 'script-secret' },
    ]) {
      await using carrier = httpCarrier(entry);
      const { message } = failureOf(await carrier.send());
      expect(message).not.toContain('secret');
      expect(message).toContain(entry.url.split('?')[0]!);
      addresses.push((await relay.requests.next()).request.url!);
    }
    expect(addresses).toEqual(['/base/tunnel/batch', '/exec?x=1&token=a+secret%26token', '/macros/exec']);
  });

  const page = (words: string) =>
    `<!DOCTYPE html><html><head><title>Error</title></head><body><p>${words}</p></body></html>`;
  const answers: Array<[what: string, answer: (request: RelayRequest) => void, code: string, ambiguous: boolean]> = [
    ['a page with status 200', respond(200, page('Sign in')), 'RELAY_HTML', true],
    ['a page after white space', respond(200, `\n  ${page('x')}`), 'RELAY_HTML', true],
    [
      'a page of a quota of the day',
      respond(200, page('Exception: Service invoked too many times for one day: urlfetch.')),
      'RELAY_QUOTA_DAY',
      false,
    ],
    [
      'a page of a quota of the moment',
      respond(200, page('There are too many scripts running simultaneously')),
      'RELAY_QUOTA_RATE',
      false,
    ],
    ['nothing', respond(200, ''), 'RELAY_EMPTY', true],
    ['404', respond(404, page('Not Found')), 'RELAY_AUTH', false],
    ['401', respond(401, ''), 'RELAY_AUTH', false],
    ['403', respond(403, 'Forbidden'), 'RELAY_AUTH', false],
    ['403 for a quota', respond(403, 'Daily Limit Exceeded'), 'RELAY_QUOTA_DAY', false],
    ['429', respond(429, 'slow down'), 'RELAY_QUOTA_RATE', false],
    ['429 for the day', respond(429, 'quota per day'), 'RELAY_QUOTA_DAY', false],
    ['400', respond(400, 'bad'), 'RELAY_STATUS', false],
    ['413', respond(413, 'too large'), 'RELAY_STATUS', false],
    ['500', respond(500, page('Internal')), 'RELAY_STATUS', true],
    ['502', respond(502, ''), 'RELAY_NODE_DOWN', true],
    ['503', respond(503, ''), 'RELAY_STATUS', true],
    ['504', respond(504, ''), 'RELAY_TIMEOUT', true],
    [
      'a body that is shorter than its length',
      ({ response }) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"r":[');
        response.socket!.end();
      },
      'RELAY_TRUNCATED',
      true,
    ],
    [
      'a chunked body that is cut',
      ({ response }) => {
        response.write('{"r":[', () => response.socket!.destroy());
      },
      'RELAY_TRUNCATED',
      true,
    ],
    ['nothing at all', ({ response }) => response.socket!.destroy(), 'RELAY_TRUNCATED', true],
    ['something that is not HTTP', ({ response }) => response.socket!.end('SSH-2.0-OpenSSH\r\n'), 'RELAY_BODY', true],
  ];
  test.each(answers)('%s is told as what it is', async (_what, answer, code, ambiguous) => {
    await using relay = await HttpRelay.start();
    relay.handle = answer;
    await using carrier = httpCarrier({ url: relay.url });
    const failure = failureOf(await carrier.send());
    expect([failure.code, failure.ambiguous]).toEqual([code, ambiguous]);
    expect(failure.message).toContain(relay.url);
    expect(relay.requests.all).toHaveLength(1);
  });

  test('words of a page come into the message, without markup and not too many', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = respond(500, `${page('TypeError: <b>x</b> is not defined')}${'y'.repeat(10_000)}`);
    await using carrier = httpCarrier({ url: relay.url });
    const { message } = failureOf(await carrier.send());
    expect(message).toContain('TypeError: x is not defined');
    expect(message.length).toBeLessThan(400);
  });

  test('a large error page is read no further than it is needed', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = ({ response }) => {
      response.writeHead(500);
      // Endless: only who stops reading ever comes to an end.
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    };
    await using carrier = httpCarrier({ url: relay.url });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_STATUS' });
  });

  test('an answer larger than a tunnel body may be is given up while it comes', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = ({ response }) => {
      const block = Buffer.alloc(1 << 20, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(block));
        response.once('drain', more);
      };
      more();
    };
    await using carrier = httpCarrier({ url: relay.url });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_BODY', ambiguous: true });
    await until(() => relay.open === 0 || relay.requests.all.every(({ response }) => response.destroyed));
  });

  test('retry-after is handed on', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = respond(429, '', { 'retry-after': '7' });
    await using carrier = httpCarrier({ url: relay.url });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_QUOTA_RATE', retryAfterMs: 7_000 });
  });

  test.each([
    ['Fri, 20 Nov 2026 12:01:30 GMT', 90_000],
    ['Fri, 20 Nov 2026 11:00:00 GMT', undefined],
    ['tomorrow', undefined],
    ['-5', undefined],
    ['1e3', undefined],
  ])('retry-after %s, by the clock of the relay', async (value, retryAfterMs) => {
    await using relay = await HttpRelay.start();
    relay.handle = respond(503, '', { 'retry-after': value, date: 'Fri, 20 Nov 2026 12:00:00 GMT' });
    await using carrier = httpCarrier({ url: relay.url });
    const failure = failureOf(await carrier.send());
    expect(failure.code).toBe('RELAY_STATUS');
    expect(failure.retryAfterMs).toBe(retryAfterMs);
  });

  test('hints before the answer are no answer', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url });
    const hint = (response: RelayRequest['response'], then: () => void): void =>
      response.writeEarlyHints({ link: '</style.css>; rel=preload' }, then);
    relay.handle = ({ response }) => hint(response, () => response.end('ok'));
    expect(textOf(await carrier.send())).toBe('ok');
    relay.handle = ({ response }) => hint(response, () => response.socket?.destroy());
    const failure = failureOf(await carrier.send());
    expect(failure).toMatchObject({ code: 'RELAY_TRUNCATED', ambiguous: true });
    expect(failure.message).toContain('without an answer');
  });

  test('silence is a timeout, before the answer and in the middle of it', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url });
    relay.handle = () => {};
    expect(failureOf(await carrier.send(undefined, { timeoutMs: 20 }))).toMatchObject({
      code: 'RELAY_TIMEOUT',
      ambiguous: true,
    });
    relay.handle = ({ response }) => response.write('{"r":');
    const cut = failureOf(await carrier.send(undefined, { timeoutMs: 20 }));
    expect(cut).toMatchObject({ code: 'RELAY_TIMEOUT', ambiguous: true });
    expect(cut.message).toContain('in the middle');
  });

  test('an exchange that is given up ends at once, and its connection with it', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = () => {};
    await using carrier = httpCarrier({ url: relay.url });
    const abort = new AbortController();
    const sending = carrier.send(undefined, { signal: abort.signal });
    const { response } = await relay.requests.next();
    abort.abort();
    expect(failureOf(await sending)).toMatchObject({ code: 'ABORTED', ambiguous: true });
    await until(() => response.destroyed);
    expect(failureOf(await carrier.send(undefined, { signal: abort.signal }))).toMatchObject({
      code: 'ABORTED',
      ambiguous: false,
    });
  });
});

describe('http carrier: redirects', () => {
  test.each([301, 302, 303])('%i: the answer is fetched from the second address with GET', async (status) => {
    await using entry = await HttpRelay.start();
    await using second = await HttpRelay.start();
    entry.handle = ({ response }) => {
      response.writeHead(status, { location: `${second.url}/echo?user_content_key=abc#fragment` });
      response.end('<HTML>Moved');
    };
    second.handle = ({ response }) => response.end('{"r":[{}]}');
    await using carrier = httpCarrier({ url: entry.url, kind: 'script', token: 'tok' });
    for (let index = 0; index < 3; index += 1) expect(textOf(await carrier.send())).toBe('{"r":[{}]}');
    const { request, body } = await second.requests.at(0);
    expect([request.method, request.url, body.length]).toEqual(['GET', '/echo?user_content_key=abc', 0]);
  });

  test.each([307, 308])('%i: the body is posted to the second address', async (status) => {
    await using entry = await HttpRelay.start();
    await using second = await HttpRelay.start();
    entry.handle = ({ response }) => response.writeHead(status, { location: `${second.url}/x` }).end();
    second.handle = ({ body, response }) => response.end(body);
    await using carrier = httpCarrier({ url: entry.url });
    expect(textOf(await carrier.send(Buffer.from('{"again":1}')))).toBe('{"again":1}');
    expect((await second.requests.at(0)).request.method).toBe('POST');
  });

  test('a relative address is followed', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = ({ request, response }) =>
      request.url === '/a/result' ? response.end('ok') : response.writeHead(302, { location: 'result' }).end();
    await using carrier = httpCarrier({ url: `${relay.url}/a/exec`, kind: 'script', token: 't' });
    expect(textOf(await carrier.send())).toBe('ok');
  });

  test('at most five are followed', async () => {
    await using relay = await HttpRelay.start();
    let left = 5;
    relay.handle = ({ response }) => {
      left -= 1;
      if (left < 0) response.end('there');
      else response.writeHead(302, { location: '/on' }).end();
    };
    await using carrier = httpCarrier({ url: relay.url });
    expect(textOf(await carrier.send())).toBe('there');
    left = 6;
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_REDIRECT', ambiguous: true });
  });

  test.each([['ftp://127.0.0.1/'], ['javascript:alert(1)'], ['http://'], [undefined]])(
    'to %s is not followed',
    async (location) => {
      await using relay = await HttpRelay.start();
      relay.handle = ({ response }) => response.writeHead(307, location === undefined ? {} : { location }).end();
      await using carrier = httpCarrier({ url: relay.url });
      expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_REDIRECT', ambiguous: false });
    },
  );

  test('what fails at the second address may have been run at the first', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = ({ request, response }) =>
      request.url === '/gone' ? response.writeHead(404).end() : response.writeHead(302, { location: '/gone' }).end();
    await using carrier = httpCarrier({ url: relay.url });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_AUTH', ambiguous: true });
  });

  test('a second address that cannot be reached says nothing about the first', async () => {
    await using relay = await HttpRelay.start();
    relay.handle = respond(302, '', { location: NOBODY });
    await using carrier = httpCarrier({ url: relay.url });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_OFFLINE', ambiguous: true });
    // With 307 the body was to go there, and did not.
    relay.handle = respond(307, '', { location: NOBODY });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_OFFLINE', ambiguous: false });
  });

  test('however many hosts a relay redirects to, few of them keep connections', async () => {
    await using entry = await HttpRelay.start();
    const others = await Promise.all(Array.from({ length: 8 }, () => HttpRelay.start()));
    let turn = 0;
    entry.handle = ({ response }) => {
      const other = others[turn++ % others.length]!;
      response.writeHead(302, { location: `${other.url}/` }).end();
    };
    for (const other of others) other.handle = ({ response }) => response.end('there');
    await using carrier = httpCarrier({ url: entry.url });
    for (let index = 0; index < 24; index += 1) expect(textOf(await carrier.send())).toBe('there');
    await until(() => others.filter(({ open }) => open > 0).length <= 3);
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  test('a host that is still being waited for keeps its connections, however many others there are', async () => {
    await using entry = await HttpRelay.start();
    await using slow = await HttpRelay.start();
    const others = await Promise.all(Array.from({ length: 6 }, () => HttpRelay.start()));
    const gate = createGate();
    slow.handle = ({ response }) => void gate.opened.then(() => response.end('slow'));
    let turn = -1;
    entry.handle = ({ response }) => {
      const next = turn < 0 ? slow : others[turn % others.length]!;
      turn += 1;
      response.writeHead(302, { location: `${next.url}/` }).end();
    };
    await using carrier = httpCarrier({ url: entry.url });
    const waiting = carrier.send();
    await slow.requests.at(0);
    for (let index = 0; index < 12; index += 1) await carrier.send();
    gate.open();
    expect(textOf(await waiting)).toBe('slow');
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  test('connectTo is for the host of the entry only', async () => {
    await using entry = await HttpRelay.start();
    await using second = await HttpRelay.start();
    entry.handle = ({ response }) => response.writeHead(302, { location: `${second.url}/answer` }).end();
    second.handle = ({ response }) => response.end('reached');
    await using carrier = httpCarrier({ url: 'http://relay.invalid:9/', connectTo: `127.0.0.1:${entry.port}` });
    expect(textOf(await carrier.send())).toBe('reached');
    expect((await entry.requests.at(0)).request.headers.host).toBe('relay.invalid:9');
    expect((await second.requests.at(0)).request.headers.host).toBe(`127.0.0.1:${second.port}`);
  });
});

describe('http carrier: reaching the relay', () => {
  let certificate: TestCertificate;
  beforeAll(() => {
    certificate = makeCertificate('relay.test');
  });
  afterAll(() => certificate.remove());

  test('a port that nobody listens on is offline, and nothing was run', async () => {
    await using carrier = httpCarrier({ url: NOBODY });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_OFFLINE', ambiguous: false });
  });

  test('a name that does not resolve is offline, and the message says so', async () => {
    await using carrier = httpCarrier({ url: 'http://relay.invalid/' });
    const failure = failureOf(await carrier.send());
    expect(failure).toMatchObject({ code: 'RELAY_OFFLINE', ambiguous: false });
    expect(failure.message).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  test('a certificate is checked against tlsName, trusted through caFile, and connectTo says where', async () => {
    await using relay = await HttpRelay.start(certificate);
    const connectTo = `127.0.0.1:${relay.port}`;
    await using carrier = httpCarrier({
      url: 'https://front.invalid/',
      connectTo,
      tlsName: 'relay.test',
      caFile: certificate.caFile,
    });
    const answer = await carrier.send();
    expect(textOf(answer)).toBe('{"r":[]}');
    expect(answer.steps).toEqual(['tcp', 'tls', 'sent', 'relay-answered']);
    const { request } = await relay.requests.at(0);
    expect(request.headers.host).toBe('front.invalid');
    expect((request.socket as Socket & { servername: string }).servername).toBe('relay.test');
  });

  test('a later connection goes on with the TLS session of an earlier one', async () => {
    await using relay = await HttpRelay.start(certificate);
    const connectTo = `127.0.0.1:${relay.port}`;
    await using carrier = httpCarrier({ url: 'https://relay.test/', connectTo, caFile: certificate.caFile });
    const reused: boolean[] = [];
    relay.handle = ({ request, response }) => {
      reused.push((request.socket as TLSSocket).isSessionReused());
      response.setHeader('connection', 'close').end('ok');
    };
    await carrier.send();
    expect(reused).toEqual([false]);
    // Those that were opened beside the first had no session yet.
    while (!reused.includes(true)) expect(textOf(await carrier.send())).toBe('ok');
  });

  test.each([
    ['another name', { tlsName: 'other.test', trusted: true }],
    ['an authority that is not trusted', { tlsName: 'relay.test', trusted: false }],
  ])('%s fails TLS, and nothing was run', async (_what, { tlsName, trusted }) => {
    await using relay = await HttpRelay.start(certificate);
    await using carrier = httpCarrier({
      url: 'https://front.invalid/',
      connectTo: `127.0.0.1:${relay.port}`,
      tlsName,
      ...(trusted ? { caFile: certificate.caFile } : {}),
    });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_TLS', ambiguous: false });
    expect(relay.requests.all).toHaveLength(0);
  });

  test('https spoken to an http port fails TLS', async () => {
    await using relay = await HttpRelay.start();
    await using carrier = httpCarrier({ url: relay.url.replace('http:', 'https:') });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_TLS', ambiguous: false });
  });

  test('an open that takes too long is given up, TLS included', async () => {
    // Takes the connection and says nothing: TLS never begins.
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await using carrier = httpCarrier({ url: `https://127.0.0.1:${port}/` }, { connectTimeoutMs: 100 });
    const failure = failureOf(await carrier.send());
    expect(failure).toMatchObject({ code: 'RELAY_TLS', ambiguous: false });
    expect(failure.message).toContain('100 ms');
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test('a file of authorities that cannot be read is told when the tunnel is opened', () => {
    expect(() => httpCarrier({ url: 'https://relay.invalid/', caFile: '/does/not/exist.pem' })).toThrow(
      expect.objectContaining({ code: 'FILE_UNREADABLE' }),
    );
  });

  test('a file of authorities that holds none is told when the tunnel is opened', () => {
    const caFile = fileURLToPath(import.meta.url);
    expect(() => httpCarrier({ url: 'https://relay.invalid/', caFile })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(caFile) as unknown }),
    );
  });

  test('a redirect from https to http is not followed: the body holds a key', async () => {
    await using relay = await HttpRelay.start(certificate);
    relay.handle = ({ response }) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end();
    await using carrier = httpCarrier({
      url: 'https://relay.test/',
      connectTo: `127.0.0.1:${relay.port}`,
      caFile: certificate.caFile,
    });
    expect(failureOf(await carrier.send())).toMatchObject({ code: 'RELAY_REDIRECT', ambiguous: false });
  });

  test('closing ends what is under way and what is being opened', async () => {
    await using relay = await HttpRelay.start();
    const gate = createGate();
    relay.handle = ({ response }) => void gate.opened.then(() => response.end());
    const { carrier, send } = httpCarrier({ url: relay.url }, { connections: 4 });
    const sending = send();
    await relay.requests.next();
    await carrier.close();
    expect(failureOf(await sending)).toMatchObject({ code: 'ABORTED' });
    expect(failureOf(await send())).toMatchObject({ code: 'ABORTED', ambiguous: false });
    await until(() => relay.open === 0);
    gate.open();
  });
});

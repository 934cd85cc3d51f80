/** Plain requests between real HTTP clients and real HTTP servers. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenLocally, patternPieces, patternSha256, readAll } from '@millrace/testkit';
import type { DirectTunnel } from '../../../test/proxy/direct-tunnel.js';
import { directTunnel } from '../../../test/proxy/direct-tunnel.js';
import { startHttpProxy } from './server.js';

const BYTES = 20_000_000;
const SEED = 3;

let tunnel: DirectTunnel;
let closers: Array<() => Promise<void> | void>;
let agent: Agent;

beforeEach(() => {
  tunnel = directTunnel();
  closers = [];
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});

afterEach(async () => {
  agent.destroy();
  for (const close of closers) await close();
});

async function setUp(listener: RequestListener) {
  const proxy = await startHttpProxy(tunnel, { listen: '127.0.0.1:0' });
  const target = await listenLocally(listener);
  closers.push(
    () => proxy.close(),
    () => target.close(),
  );
  const [host, port] = proxy.address.split(':');
  return (path: string, options: { method?: string; headers?: Record<string, string> } = {}) =>
    request({ host, port, agent, path: `${target.origin}${path}`, ...options });
}

async function answerTo(outgoing: ReturnType<typeof request>): Promise<IncomingMessage> {
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return answer;
}

async function sha256(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

test.each([
  ['with its length told', { 'content-length': String(BYTES) }],
  ['chunked', {}],
])('20 MB go down %s', async (_how, headers: Record<string, string>) => {
  const send = await setUp((_request, response) => {
    response.writeHead(200, headers);
    Readable.from(patternPieces(BYTES, SEED)).pipe(response);
  });
  const answer = await answerTo(send('/').end());
  expect(answer.headers['content-length']).toBe(headers['content-length']);
  expect(await sha256(answer)).toBe(patternSha256(BYTES, SEED));
});

test.each([
  ['with its length told', { 'content-length': String(BYTES) }],
  ['chunked', { 'transfer-encoding': 'chunked' }],
])('20 MB go up %s', async (_how, headers: Record<string, string>) => {
  let seen: IncomingMessage | undefined;
  const send = await setUp((incoming, response) => {
    seen = incoming;
    void sha256(incoming).then((hash) => response.end(hash));
  });
  const outgoing = send('/', { method: 'PUT', headers });
  const answering = answerTo(outgoing);
  await pipeline(Readable.from(patternPieces(BYTES, SEED)), outgoing);
  expect((await readAll(await answering)).toString()).toBe(patternSha256(BYTES, SEED));
  expect(seen?.headers).toMatchObject(headers);
});

test('the connection of the application is kept, and each request has a stream of its own', async () => {
  const send = await setUp((incoming, response) => response.end(incoming.url));
  for (const path of ['/one', '/two', '/three']) {
    const outgoing = send(path).end();
    expect((await readAll(await answerTo(outgoing))).toString()).toBe(path);
    expect(outgoing.reusedSocket).toBe(path !== '/one');
  }
  expect(tunnel.opens.length).toBe(3);
  expect(tunnel.opens.every(({ firstBytes }) => firstBytes.startsWith('GET /'))).toBe(true);
});

test('HEAD, 204 and 304 have no body and leave the connection usable', async () => {
  const send = await setUp((incoming, response) => {
    const status = Number(incoming.url?.slice(1));
    response.writeHead(status, status === 200 ? { 'content-length': '1000' } : { etag: 'x' }).end();
  });
  for (const [method, path] of [
    ['HEAD', '/200'],
    ['GET', '/204'],
    ['GET', '/304'],
  ] as const) {
    const answer = await answerTo(send(path, { method }).end());
    expect(answer.statusCode).toBe(Number(path.slice(1)));
    expect(answer.headers['content-length']).toBe(method === 'HEAD' ? '1000' : undefined);
    expect((await readAll(answer)).length).toBe(0);
  }
});

test('trailers are handed on both ways', async () => {
  const send = await setUp((incoming, response) => {
    incoming.resume().on('end', () => {
      response.writeHead(200, { trailer: 'X-Hash' });
      response.write('body');
      response.addTrailers({ 'X-Hash': `after ${String(incoming.trailers['x-sum'])}` });
      response.end();
    });
  });
  const outgoing = send('/', { method: 'POST', headers: { trailer: 'X-Sum', 'transfer-encoding': 'chunked' } });
  outgoing.write('data');
  outgoing.addTrailers({ 'X-Sum': '42' });
  outgoing.end();
  const answer = await answerTo(outgoing);
  await readAll(answer);
  expect(answer.trailers).toEqual({ 'x-hash': 'after 42' });
});

test('fields that come more than once stay as they are', async () => {
  const send = await setUp((_incoming, response) => {
    response.writeHead(200, 'Fine By Me', ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'X-Latin', 'caf\u00e9']);
    response.end();
  });
  const answer = await answerTo(send('/').end());
  expect(answer.statusMessage).toBe('Fine By Me');
  expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(answer.headers['x-latin']).toBe('caf\u00e9');
  expect(answer.headers['via']).toBeUndefined();
  await readAll(answer);
});

test('a body is sent once the target asks for it', async () => {
  const send = await setUp((incoming, response) => {
    void readAll(incoming).then((body) => response.end(body));
  });
  const outgoing = send('/', { method: 'POST', headers: { expect: '100-continue', 'content-length': '4' } });
  // Nothing else ends the request.
  outgoing.on('continue', () => outgoing.end('body'));
  expect((await readAll(await answerTo(outgoing))).toString()).toBe('body');
});

test('a target that is not there is a 502 that names the code', async () => {
  const send = await setUp((_incoming, response) => response.end());
  await closers.pop()?.();
  const answer = await answerTo(send('/').end());
  expect(answer.statusCode).toBe(502);
  expect((await readAll(answer)).toString()).toContain('DIAL_REFUSED');
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { KEY, startTestNode } from './support/node.js';
import { isPending } from './support/pending.js';
import { GOOD, MIB, post, raw, refusedCodes } from './support/raw.js';

describe('refusals', () => {
  const wrongKey = JSON.stringify({ k: 'wrong', ops: [] });
  const cases: Array<[string, string, string | Uint8Array]> = [
    ['a wrong key', 'RELAY_AUTH', post(wrongKey)],
    ['a wrong key of the right length', 'RELAY_AUTH', post(JSON.stringify({ k: KEY.replace('t', 'u'), ops: [] }))],
    ['no key', 'MESSAGE_INVALID', post('{"ops":[]}')],
    ['a key that is no string', 'MESSAGE_INVALID', post('{"k":5,"ops":[]}')],
    ['the key twice', 'MESSAGE_INVALID', post(`{"k":"${KEY}","ops":[],"k":"${KEY}"}`)],
    ['the key twice, once escaped', 'MESSAGE_INVALID', post(`{"k":"wrong","ops":[],"\\u006b":"${KEY}"}`)],
    ['the key below the top level', 'MESSAGE_INVALID', post(`{"x":{"k":"${KEY}"},"ops":[]}`)],
    ['an empty body', 'BODY_EMPTY', post('')],
    ['a body that is no JSON', 'BODY_UNKNOWN_FORM', post('hello')],
    ['a body that is cut', 'BODY_TRUNCATED', post(`{"k":"${KEY}","ops":[`)],
    [
      'a body that is nested too deeply',
      'BODY_TOO_DEEP',
      post(`{"k":"${KEY}","ops":${'['.repeat(100)}${']'.repeat(100)}}`),
    ],
    ['a level 2 body with another token', 'RELAY_AUTH', post(Buffer.alloc(40, 1))],
    ['a level 2 body that ends within its token', 'BODY_TRUNCATED', post(Buffer.alloc(32, 1))],
    ['a sealed body', 'PEER_VERSION', post(Buffer.alloc(40, 2))],
    ['text with another token', 'RELAY_AUTH', post(Buffer.alloc(40, 1).toString('base64'))],
    ['text that ends within its token', 'BODY_TRUNCATED', post('AQID')],
    ['text that is no base64', 'BASE64_INVALID', post(`A${'-'.repeat(100)}`)],
    ['a sealed body as text', 'RELAY_AUTH', post(Buffer.alloc(40, 2).toString('base64'))],
    ['gzip of a level 2 body', 'PEER_VERSION', post(gzipSync(Buffer.alloc(40, 1)))],
    [
      'gzip that is broken',
      'BODY_BAD_GZIP',
      post(Buffer.concat([gzipSync(GOOD).subarray(0, 10), Buffer.alloc(20, 0xff)])),
    ],
    ['gzip that is cut', 'BODY_TRUNCATED', post(gzipSync(GOOD).subarray(0, -12))],
    ['gzip of gzip', 'PEER_VERSION', post(gzipSync(gzipSync(GOOD)))],
    ['another path', 'MESSAGE_INVALID', post(GOOD, '/')],
    ['a path below', 'MESSAGE_INVALID', post(GOOD, '/tunnel/batch/more')],
    ['the path of another object', 'MESSAGE_INVALID', post(GOOD, '/constructor')],
    ['another method', 'MESSAGE_INVALID', post(GOOD, '/tunnel/batch', 'PUT')],
    ['GET', 'MESSAGE_INVALID', 'GET /tunnel HTTP/1.1\r\nhost: x\r\n\r\n'],
    [
      'a body that says it is too large',
      'BODY_TOO_LARGE',
      `POST /tunnel HTTP/1.1\r\nhost: x\r\ncontent-length: ${64 * MIB + 1}\r\n\r\n`,
    ],
    [
      'an upgrade',
      'MESSAGE_INVALID',
      'GET /tunnel HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    ],
  ];

  test.each(cases)('%s is refused with the very same bytes as everything else', async (_, code, bytes) => {
    const test = await startTestNode();
    const page = await raw(test, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(page).toMatch(
      /^HTTP\/1\.1 404 Not Found\r\nContent-Type: text\/html\r\nContent-Length: \d+\r\nConnection: close\r\n\r\n<html>/,
    );
    expect(await raw(test, bytes)).toBe(page);
    expect(refusedCodes(test)).toEqual(['MESSAGE_INVALID', code]);
  });

  test.each([
    ['what is not HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
    ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a header that is too large', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['an expectation', 'POST /tunnel HTTP/1.1\r\nhost: x\r\nexpect: the-unexpected\r\ncontent-length: 0\r\n\r\n'],
  ])('%s gets the very same bytes too', async (_, bytes) => {
    const test = await startTestNode();
    const page = await raw(test, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await raw(test, bytes)).toBe(page);
  });

  test('a body that turns out too large while it comes is refused with the same bytes', async () => {
    const test = await startTestNode();
    const page = await raw(test, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const url = new URL(test.node.url);
    for (const path of ['/tunnel', '/nothing']) {
      const socket = connect({ host: url.hostname, port: Number(url.port) });
      const got: Buffer[] = [];
      socket.on('data', (chunk) => got.push(chunk));
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${(64 * MIB + 10).toString(16)}\r\n{"k":"`,
      );
      const block = Buffer.alloc(MIB, 'x');
      for (let n = 0; n < 64; n++) socket.write(block);
      socket.write('tail!');
      await closed;
      expect(Buffer.concat(got).toString()).toBe(page);
    }
    expect(refusedCodes(test)).toEqual(['MESSAGE_INVALID', 'BODY_TOO_LARGE', 'BODY_TOO_LARGE']);
  });

  test('a wrong path reads and forgets its body before it is refused, as a wrong key does', async () => {
    const test = await startTestNode();
    for (const path of ['/tunnel/batch', '/nothing']) {
      const url = new URL(test.node.url);
      const socket = connect({ host: url.hostname, port: Number(url.port) });
      socket.on('error', () => {});
      let answered = false;
      socket.once('data', () => (answered = true));
      const closed = once(socket, 'close');
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${wrongKey.length}\r\n\r\n${wrongKey.slice(0, 5)}`,
      );
      await eventually(() => test.node.stats().requests === 1);
      await isPending(closed);
      expect(answered).toBe(false);
      expect(test.node.stats().requestBytes).toBe(path === '/nothing' ? 0 : 5);
      socket.write(wrongKey.slice(5));
      await closed;
      expect(answered).toBe(true);
    }
  });

  test('the key is compared before anything else in the body is looked at', async () => {
    const test = await startTestNode();
    const page = await raw(test, post('{"k":"wrong","ops":"not even a list","zops":1}'));
    expect(page).toContain('404 Not Found');
    expect(refusedCodes(test)).toEqual(['RELAY_AUTH']);
  });

  test('the key may stand behind the ops, and escaped', async () => {
    const test = await startTestNode();
    const escaped = KEY.split('')
      .map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
    for (const body of [
      `{"ops":[{"op":"version"}],"k":"${KEY}"}`,
      `{"ops":[{"op":"version"}],"\\u006b":"${escaped}"}`,
    ]) {
      const answer = await test.post(body);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ r: [{ caps: 7 }] });
    }
  });

  test('with diagnose a refusal says why, in a body that relays hand on', async () => {
    const test = await startTestNode({ diagnose: true });
    const asked = async (body: string, path?: string): Promise<unknown> => {
      const answer = await test.post(body, path);
      expect(answer.status).toBe(200);
      return JSON.parse(answer.body.toString()) as unknown;
    };
    expect(await asked(wrongKey)).toEqual({ e: expect.any(String), code: 'RELAY_AUTH' });
    expect(await asked('hello')).toEqual({ e: expect.any(String), code: 'BODY_UNKNOWN_FORM' });
    expect(await asked(GOOD, '/other')).toEqual({ e: expect.any(String), code: 'MESSAGE_INVALID' });
  });
});

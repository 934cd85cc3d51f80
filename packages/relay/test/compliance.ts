/** What every relay of this package does, whatever it runs on. Each implementation runs it through a `setup`. */
import { createGate } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { NOT_FOUND_PAGE } from '../src/core/not-found-page.js';
import { answerJson, answerWith, startFakeNode, type FakeNode, type NodeAnswerer } from './fake-node.js';

export const TOKEN = 'a-Relay-Token-of-32-characters-9';

/** A relay that runs. */
interface RunningRelay {
  /** Sends a request whose address has this query, as a client does: redirects of the platform followed. */
  ask(query: string, init: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export interface ComplianceSetup {
  /** Whether bodies of bytes pass, or text only. */
  readonly carries: 'bytes' | 'text';
  /** Whether the platform lets the relay choose the status. */
  readonly statuses: boolean;
  start(options: { node: string; token: string }): Promise<RunningRelay>;
}

const BATCH = '{"k":"access-key","t":"batch","ops":[{"op":"data","sid":"s","d":"aGVsbG8=","seq":0}]}';
const REPLY = '{"r":[{"sid":"s","d":"d29ybGQ=","seq":0}]}';
const NOWHERE = 'http://127.0.0.1:1';

const post = (relay: RunningRelay, body: RequestInit['body']): Promise<Response> =>
  relay.ask(`token=${encodeURIComponent(TOKEN)}`, { method: 'POST', body });

async function failureOf(response: Response): Promise<{ code: string; e: string }> {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('application/json');
  const value = (await response.json()) as { code: string; e: string };
  expect(Object.keys(value)).toEqual(['e', 'code']);
  expect(value.e.length).toBeGreaterThan(10);
  return value;
}

export function testCompliance(setup: ComplianceSetup): void {
  const cleanups: Array<() => unknown> = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function start(answerer?: NodeAnswerer): Promise<{ node: FakeNode; relay: RunningRelay }> {
    const node = await startFakeNode(answerer);
    cleanups.push(() => node.close());
    return { node, relay: await relayTo(node.origin) };
  }

  async function relayTo(node: string): Promise<RunningRelay> {
    const relay = await setup.start({ node, token: TOKEN });
    cleanups.push(() => relay.close());
    return relay;
  }

  describe('what passes', () => {
    test('a batch reaches the node as it is, and its answer the client', async () => {
      const { node, relay } = await start(answerJson(REPLY));
      const response = await post(relay, BATCH);
      expect(await response.text()).toBe(REPLY);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain('application/json');
      const seen = await node.seen.at(0);
      expect(seen.body.toString()).toBe(BATCH);
      expect(`${seen.method} ${seen.url}`).toBe('POST /tunnel/batch');
      expect(JSON.stringify(seen.headers)).not.toContain(TOKEN);
    });

    test('a base64 body of level 2 passes as text', async () => {
      const { node, relay } = await start(answerWith(200, 'text/plain', 'AgMEBQ=='));
      const response = await post(relay, 'AQIDBA==');
      expect(await response.text()).toBe('AgMEBQ==');
      expect(response.headers.get('content-type')).toContain('text/plain');
      expect((await node.seen.at(0)).body.toString()).toBe('AQIDBA==');
    });

    test('text that is not ASCII passes unchanged', async () => {
      const { node, relay } = await start(answerJson('{"e":"ünïcode ✓ 𝄞"}'));
      const response = await post(relay, '{"k":"ключ 🔑"}');
      expect(await response.text()).toBe('{"e":"ünïcode ✓ 𝄞"}');
      expect((await node.seen.at(0)).body.toString()).toBe('{"k":"ключ 🔑"}');
    });

    test('a large text passes both ways without a changed byte', async () => {
      const { node, relay } = await start((request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(request.body);
      });
      const large = `{"k":"${'0123456789abcdef'.repeat(400_000)}"}`;
      expect((await (await post(relay, large)).text()) === large).toBe(true);
      expect((await node.seen.at(0)).body.toString() === large).toBe(true);
    });

    test('an error that the node writes itself passes, whatever its status', async () => {
      const { relay } = await start(answerWith(503, 'application/json', '{"e":"draining","code":"NODE_BUSY"}'));
      const response = await post(relay, BATCH);
      expect(await response.text()).toBe('{"e":"draining","code":"NODE_BUSY"}');
      expect(response.status).toBe(200);
    });

    test('a slow node holds nobody else, and its answer arrives', async () => {
      const gate = createGate();
      const { node, relay } = await start(async (request, response) => {
        if (request.body.includes('slow')) await gate.opened;
        response.end(`{"r":[${request.body.length}]}`);
      });
      const slow = post(relay, '{"slow":1}');
      await node.seen.at(0);
      const others = Array.from({ length: 5 }, async () => (await post(relay, '{}')).text());
      expect(await Promise.all(others)).toEqual(Array.from({ length: 5 }, () => '{"r":[2]}'));
      gate.open();
      expect(await (await slow).text()).toBe('{"r":[10]}');
    });
  });

  describe('strangers', () => {
    const refused: Array<[string, string, RequestInit]> = [
      ['no token', '', { method: 'POST', body: BATCH }],
      ['an empty token', 'token=', { method: 'POST', body: BATCH }],
      ['a wrong token', `token=${TOKEN.replace('9', '8')}`, { method: 'POST', body: BATCH }],
      ['a part of the token', `token=${TOKEN.slice(0, -1)}`, { method: 'POST', body: BATCH }],
      ['a longer token', `token=${TOKEN}0`, { method: 'POST', body: BATCH }],
      ['the token under another name', `t=${TOKEN}`, { method: 'POST', body: BATCH }],
      ['the token in another case', `token=${TOKEN.toUpperCase()}`, { method: 'POST', body: BATCH }],
      ['a GET with the token', `token=${TOKEN}`, { method: 'GET' }],
      ['a GET without it', '', { method: 'GET' }],
    ];

    test.each(refused)('%s gets the plain 404 page, and nothing reaches the node', async (_what, query, init) => {
      const { node, relay } = await start();
      const response = await relay.ask(query, init);
      expect(await response.text()).toBe(NOT_FOUND_PAGE);
      if (setup.statuses) {
        expect(response.status).toBe(404);
        expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      }
      expect(node.seen.all).toEqual([]);
    });

    test('HEAD gets the head of the same page', async () => {
      const { relay } = await start();
      const response = await relay.ask(`token=${TOKEN}`, { method: 'HEAD' });
      if (setup.statuses) expect(response.status).toBe(404);
      expect(await response.text()).toBe('');
    });
  });

  describe('failures of the node', () => {
    test('a node that is down is told inside the body', async () => {
      const relay = await relayTo(NOWHERE);
      const failure = await failureOf(await post(relay, BATCH));
      expect(failure.code).toBe('RELAY_NODE_DOWN');
      expect(failure.e).not.toContain('127.0.0.1');
    });

    const page = '<!DOCTYPE html><html><body>page</body></html>';
    const answers: Array<[string, string, NodeAnswerer]> = [
      ['a 404 page', 'RELAY_AUTH', answerWith(404, 'text/html', page)],
      ['a 403 page', 'RELAY_AUTH', answerWith(403, 'text/html', page)],
      ['a 401 page', 'RELAY_AUTH', answerWith(401, 'text/html', page)],
      ['a 413 page', 'BODY_TOO_LARGE', answerWith(413, 'text/html', page)],
      ['a 429 page', 'RELAY_QUOTA_RATE', answerWith(429, 'text/html', page)],
      ['a 408 page', 'RELAY_TIMEOUT', answerWith(408, 'text/html', page)],
      ['a 504 page', 'RELAY_TIMEOUT', answerWith(504, 'text/html', page)],
      ['a 500 page', 'RELAY_STATUS', answerWith(500, 'text/html', page)],
      ['a 502 page', 'RELAY_STATUS', answerWith(502, 'text/html', page)],
      ['JSON of somebody else with 403', 'RELAY_AUTH', answerWith(403, 'application/json', '{"error":"no"}')],
      ['half of a JSON error with 500', 'RELAY_STATUS', answerWith(500, 'application/json', '{"e":"x')],
      ['a redirect', 'RELAY_REDIRECT', answerWith(302, 'text/html', '', { location: '/elsewhere' })],
      ['a redirect that keeps the method', 'RELAY_REDIRECT', answerWith(307, 'text/html', '', { location: '/x' })],
      ['a page with status 200', 'RELAY_HTML', answerWith(200, 'text/html', page)],
      ['a page after an empty line', 'RELAY_HTML', answerWith(200, 'text/html', `\r\n${page}`)],
      ['words with status 200', 'RELAY_BODY', answerWith(200, 'text/plain', 'It works!')],
      ['nothing with status 200', 'RELAY_EMPTY', answerWith(200, 'application/json', '')],
    ];

    test.each(answers)('%s becomes %s inside the body', async (_what, code, answerer) => {
      const { node, relay } = await start(answerer);
      expect((await failureOf(await post(relay, BATCH))).code).toBe(code);
      expect(node.seen.all).toHaveLength(1);
    });

    test('a node that dies after it got the request is not called down', async () => {
      const { relay } = await start((_request, response) => void response.socket?.destroy());
      expect((await failureOf(await post(relay, BATCH))).code).toBe('RELAY_TRUNCATED');
    });

    test.each([
      ['with a length', { 'content-length': '1000' }],
      ['in chunks', {}],
    ])('an answer %s that the node cuts is never handed on as a whole one', async (_how, headers) => {
      const { relay } = await start((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        response.write('{"r":[{"d":"', () => response.socket?.destroy());
      });
      const outcome = await post(relay, BATCH)
        .then((response) => response.text())
        .catch(() => 'cut');
      // Streamed, the connection is cut; where the platform reads first, the body says so.
      expect(['cut', 'RELAY_TRUNCATED']).toContain(outcome === 'cut' ? outcome : codeIn(outcome));
    });

    test('an empty request is refused before it is passed on', async () => {
      const { node, relay } = await start();
      expect((await failureOf(await post(relay, null))).code).toBe('BODY_EMPTY');
      expect(node.seen.all).toEqual([]);
    });
  });

  if (setup.carries === 'bytes') testBytes(start);
  else {
    test('a relay for text refuses bytes clearly, and passes nothing on', async () => {
      const { node, relay } = await start();
      for (const first of [0x01, 0x02, 0x1f]) {
        const failure = await failureOf(await post(relay, Uint8Array.from([first, 0x8b, 0xff, 0x80])));
        expect(failure.code).toBe('RELAY_TEXT_ONLY');
        expect(failure.e).toContain('text only');
      }
      expect(node.seen.all).toEqual([]);
    });

    test('a relay for text refuses an answer of bytes', async () => {
      const { relay } = await start(answerWith(200, 'application/octet-stream', Buffer.from([1, 2, 3])));
      expect((await failureOf(await post(relay, BATCH))).code).toBe('RELAY_BODY');
    });
  }
}

function codeIn(body: string): string {
  return (JSON.parse(body) as { code: string }).code;
}

function testBytes(start: (answerer?: NodeAnswerer) => Promise<{ node: FakeNode; relay: RunningRelay }>): void {
  describe('bytes', () => {
    test.each([
      ['a packet', 0x01],
      ['a sealed packet', 0x02],
      ['gzip', 0x1f],
    ])('%s passes both ways with every byte value', async (_what, first) => {
      const bytes = Buffer.from([first, ...Array.from({ length: 256 }, (_, i) => i)]);
      const { node, relay } = await start((request, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(request.body);
      });
      const response = await post(relay, bytes);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      expect((await node.seen.at(0)).body.equals(bytes)).toBe(true);
    });

    test('content types other than those of bodies stop at the relay', async () => {
      const { node, relay } = await start(answerWith(200, 'text/html', '{"r":[]}', { 'x-powered-by': 'something' }));
      const response = await relay.ask(`token=${TOKEN}`, {
        method: 'POST',
        body: BATCH,
        headers: { 'content-type': 'image/png', 'x-client': 'secret', cookie: 'a=b' },
      });
      expect(await response.text()).toBe('{"r":[]}');
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.has('x-powered-by')).toBe(false);
      const { headers } = await node.seen.at(0);
      expect(headers['content-type']).toBe('application/octet-stream');
      expect(headers).not.toHaveProperty('x-client');
      expect(headers).not.toHaveProperty('cookie');
    });

    test('an answer that says it is too large is refused', async () => {
      const { relay } = await start((_request, response) => {
        response.writeHead(200, { 'content-length': String(100 * 1024 * 1024) });
        response.write('{');
      });
      expect((await failureOf(await post(relay, BATCH))).code).toBe('RELAY_BODY');
    });
  });
}

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { Arrivals, createGate, fill, patternBytes, PatternChecker, patternPieces, readAll } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { NOT_FOUND_PAGE } from '../src/core/not-found-page.js';
import { startRelay } from '../src/node/index.js';
import { READ_AHEAD_BYTES } from '../src/node/limits.js';
import { RelayServer, type RelayServerOptions } from '../src/node/relay-server.js';
import { testCompliance, TOKEN } from './compliance.js';
import { answerJson, startFakeNode, type FakeNode, type NodeAnswerer } from './fake-node.js';

const MiB = 1 << 20;
const PATH = `/?token=${TOKEN}`;

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Running {
  origin: string;
  url: string;
  port: number;
  events: Arrivals<MillraceEvent>;
  server: RelayServer;
}

/** A relay with limits that options do not allow. */
async function serve(node: string, options: Partial<RelayServerOptions> = {}): Promise<Running> {
  const events = new Arrivals<MillraceEvent>('event');
  const hub = new EventHub();
  hub.subscribe((event) => events.push(event));
  const server = new RelayServer({
    token: TOKEN,
    nodeUrl: `${node}/tunnel/batch`,
    nodeTimeoutMs: 60_000,
    maxConcurrent: 512,
    maxBodyBytes: 64 * MiB,
    events: hub,
    ...options,
  });
  cleanups.push(() => server.close());
  const { port } = await server.listen('127.0.0.1', 0);
  const origin = `http://127.0.0.1:${port}`;
  return { origin, url: origin + PATH, port, events, server };
}

async function nodeWith(answerer?: NodeAnswerer): Promise<FakeNode> {
  const node = await startFakeNode(answerer);
  cleanups.push(() => node.close());
  return node;
}

async function setup(
  answerer?: NodeAnswerer,
  options?: Partial<RelayServerOptions>,
): Promise<{ node: FakeNode; relay: Running }> {
  const node = await nodeWith(answerer);
  return { node, relay: await serve(node.origin, options) };
}

const post = (relay: Running, body: RequestInit['body'] = '{}'): Promise<Response> =>
  fetch(relay.url, { method: 'POST', body });

/** A raw connection, for what an HTTP client would not send or would hide. */
async function rawConnection(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('the Node relay', () => {
  testCompliance({
    carries: 'bytes',
    statuses: true,
    async start(options) {
      const relay = await startRelay({ ...options, listen: '127.0.0.1:0' });
      return {
        ask: (query, init) => fetch(`${relay.url}?${query}`, init),
        close: () => relay.close(),
      };
    },
  });

  describe('large bodies', () => {
    test('32 MiB pass both ways, and every byte is compared', async () => {
      const body = fill(Buffer.alloc(32 * MiB), 0, 1);
      body[0] = 0x7b;
      const { node, relay } = await setup(async (request, response) => {
        response.writeHead(200, { 'content-length': request.body.length });
        response.end(request.body);
      });
      const back = Buffer.from(await (await post(relay, body)).arrayBuffer());
      expect(back.equals(body)).toBe(true);
      expect((await node.seen.at(0)).body.equals(body)).toBe(true);
      expect((await node.seen.at(0)).headers['content-length']).toBe(String(body.length));
    });

    test('32 MiB in chunks pass both ways, at the pace of a client that stops reading in the middle', async () => {
      const total = 32 * MiB;
      let written = 0;
      const { relay } = await setup(async (request, response) => {
        new PatternChecker(5, 1).push(request.body.subarray(1));
        response.write('{');
        for (const piece of patternPieces(total, 6)) {
          written += piece.length;
          if (!response.write(piece)) await once(response, 'drain');
        }
        response.end();
      });
      const chunks = [Buffer.from('{'), ...patternPieces(total, 5)].map((chunk, i) =>
        i === 1 ? chunk.subarray(1) : chunk,
      );
      const reply = await send(relay.url, chunks);
      // The client reads nothing while others do whole exchanges: what the node could write by then stands in buffers
      // of the system, far less than all of it.
      reply.pause();
      const { relay: other } = await setup();
      for (let i = 0; i < 50; i += 1) await (await post(other)).text();
      expect(written).toBeLessThan(total);
      const checker = new PatternChecker(6);
      let first = true;
      reply.on('data', (chunk: Buffer) => {
        checker.push(first ? chunk.subarray(1) : chunk);
        first = false;
      });
      reply.resume();
      await once(reply, 'end');
      checker.end(total);
      expect(reply.headers['transfer-encoding']).toBe('chunked');
    });

    test('an upload in chunks beyond the limit is refused, and the node does not run it', async () => {
      const { node, relay } = await setup(undefined, { maxBodyBytes: MiB });
      const reply = await send(relay.url, ['{', ...patternPieces(MiB, 1)]);
      expect(JSON.parse((await readAll(reply)).toString())).toMatchObject({ code: 'BODY_TOO_LARGE' });
      expect(node.seen.all).toEqual([]);
    });

    test('an upload that says it is too large is refused unread, and its connection goes on', async () => {
      const { node, relay } = await setup(undefined, { maxBodyBytes: 1000 });
      const response = await post(relay, 'x'.repeat(1001));
      expect(await response.json()).toMatchObject({ code: 'BODY_TOO_LARGE' });
      expect(await (await post(relay)).text()).toBe('{"r":[]}');
      expect(node.seen.all).toHaveLength(1);
    });

    test('an answer in chunks beyond the limit is cut', async () => {
      const { relay } = await setup(
        (_request, response) => {
          response.write(`{${'a'.repeat(50_000)}`);
          response.end('a'.repeat(60_000));
        },
        { maxBodyBytes: 100_000 },
      );
      const cut = post(relay).then((response) => response.text());
      await expect(cut).rejects.toThrow();
      expect(await relay.events.at(0)).toMatchObject({ event: 'exchange', code: 'RELAY_BODY' });
    });
  });

  describe('a node that dies in the middle', () => {
    const half = `{"r":[{"d":"${'A'.repeat(100_000)}`;

    test.each([
      ['with a length', { 'content-length': String(half.length * 2) }],
      ['in chunks', {}],
    ])('%s: the client of HTTP/1.1 sees the cut', async (_how, headers) => {
      const { relay } = await setup((_request, response) => {
        response.writeHead(200, headers);
        response.write(half, () => response.socket?.destroy());
      });
      const reply = await send(relay.url, ['{}']);
      reply.resume();
      await expect(once(reply, 'end')).rejects.toThrow();
      expect(reply.complete).toBe(false);
      expect(await relay.events.at(0)).toMatchObject({ event: 'exchange', code: 'RELAY_TRUNCATED' });
    });

    test('a client of HTTP/1.0, to whom the end of the connection is the end of the body, gets a reset', async () => {
      const cutNow = createGate();
      const { relay } = await setup(async (_request, response) => {
        response.write(half);
        await cutNow.opened;
        response.socket?.destroy();
      });
      const socket = await rawConnection(relay.port);
      let ended = false;
      socket.once('end', () => {
        ended = true;
      });
      socket.write(`POST ${PATH} HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}`);
      await once(socket, 'data');
      const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
      socket.resume();
      cutNow.open();
      expect((await failed)[0].code).toBe('ECONNRESET');
      expect(ended).toBe(false);
    });

    test('an answer whose end cannot be told from a cut is refused', async () => {
      const node = createServer((socket) => {
        socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{"r":['));
      });
      node.listen(0, '127.0.0.1');
      await once(node, 'listening');
      cleanups.push(() => node.close());
      const relay = await serve(`http://127.0.0.1:${(node.address() as AddressInfo).port}`);
      expect(await (await post(relay)).json()).toMatchObject({ code: 'RELAY_BODY' });
    });

    test('a kept connection that the node has closed is not used again', async () => {
      const sockets: Socket[] = [];
      const { node, relay } = await setup((_request, response) => {
        if (response.socket !== null) sockets.push(response.socket);
        response.end('{"r":[]}');
      });
      for (let i = 0; i < 20; i += 1) {
        expect(await (await post(relay)).text()).toBe('{"r":[]}');
        const [socket] = sockets.splice(0);
        const closed = socket === undefined ? undefined : once(socket, 'close');
        socket?.destroy();
        await closed;
      }
      expect(node.seen.all).toHaveLength(20);
    });
  });

  describe('reading ahead', () => {
    test('of the client: what its sockets hold of a request and of an answer', async () => {
      const { relay } = await setup();
      const seen: number[][] = [];
      const note = (message: unknown): void => {
        const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
        if (request.socket.localPort !== relay.port) return;
        seen.push([request.readableHighWaterMark, response.writableHighWaterMark]);
      };
      subscribe('http.server.request.start', note);
      cleanups.push(() => unsubscribe('http.server.request.start', note));
      await (await post(relay)).text();
      expect(seen).toEqual([[READ_AHEAD_BYTES, READ_AHEAD_BYTES]]);
    });
  });

  describe('clients that go away', () => {
    test('before the answer: the node hears it', async () => {
      const gone = createGate();
      const { node, relay } = await setup((_request, response) => void response.once('close', () => gone.open()));
      const abort = new AbortController();
      const answer = fetch(relay.url, { method: 'POST', body: '{}', signal: abort.signal });
      await node.seen.at(0);
      abort.abort();
      await expect(answer).rejects.toThrow();
      await gone.opened;
      expect(await relay.events.at(0)).toMatchObject({ event: 'exchange', code: 'ABORTED' });
    });

    test('in the middle of the answer: the node hears it', async () => {
      const gone = createGate();
      const { relay } = await setup((_request, response) => {
        response.once('close', () => gone.open());
        response.write('{"r":[');
      });
      const response = await post(relay);
      await response.body?.cancel();
      await gone.opened;
    });

    test('in the middle of the upload: the node does not run it, and the relay works on', async () => {
      const { node, relay } = await setup();
      const socket = await rawConnection(relay.port);
      socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"k":`);
      socket.destroySoon();
      expect(await relay.events.at(0)).toMatchObject({ event: 'exchange', code: 'ABORTED' });
      expect(await (await post(relay)).text()).toBe('{"r":[]}');
      expect(node.seen.all).toHaveLength(1);
    });
  });

  describe('bounds', () => {
    test('200 exchanges run beside each other, each with its own answer', async () => {
      const gate = createGate();
      const { node, relay } = await setup(async (request, response) => {
        await gate.opened;
        response.end(`{"r":[${request.body.toString()}]}`);
      });
      const answers = Array.from({ length: 200 }, async (_, i) => (await post(relay, `{"n":${i}}`)).text());
      await node.seen.at(199);
      gate.open();
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 200 }, (_, i) => `{"r":[{"n":${i}}]}`));
    });

    test('beyond the most exchanges at once the relay is busy, and free again after that', async () => {
      const gate = createGate();
      const { node, relay } = await setup(
        async (_request, response) => {
          await gate.opened;
          response.end('{"r":[]}');
        },
        { maxConcurrent: 2 },
      );
      const held = [post(relay), post(relay)];
      await node.seen.at(1);
      expect(await (await post(relay)).json()).toMatchObject({ code: 'RELAY_QUOTA_RATE' });
      expect(await relay.events.at(0)).toEqual({ event: 'refused', code: 'RELAY_QUOTA_RATE' });
      const stranger = await fetch(relay.origin, { method: 'POST', body: '{}' });
      expect(stranger.status).toBe(404);
      gate.open();
      for (const answer of held) expect(await (await answer).text()).toBe('{"r":[]}');
      await relay.events.at(3);
      expect(await (await post(relay)).text()).toBe('{"r":[]}');
      expect(node.seen.all).toHaveLength(3);
    });

    test('a node that never answers is a timeout', async () => {
      const { relay } = await setup(() => {}, { nodeTimeoutMs: 1 });
      expect(await (await post(relay)).json()).toMatchObject({ code: 'RELAY_TIMEOUT' });
    });

    test('a stranger who sends without end is cut', async () => {
      const { node, relay } = await setup();
      const socket = await rawConnection(relay.port);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => {});
      const received = once(socket, 'data') as Promise<[Buffer]>;
      socket.write('POST /?token=wrong HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
      const [head] = await received;
      expect(head.toString()).toContain('404 Not Found');
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), patternBytes(65_536, 1), Buffer.from('\r\n')]);
      const write = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', write).resume();
      write();
      await closed;
      expect(node.seen.all).toEqual([]);
    });

    test('odd request lines get the same page', async () => {
      const { relay } = await setup();
      for (const target of ['*', '//', '/?', '/%', `/?token=%`, `/?token=${TOKEN}%00`, `http://x/?tokens=${TOKEN}`]) {
        const socket = await rawConnection(relay.port);
        socket.write(`POST ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`);
        expect((await readAll(socket)).toString()).toContain(`404 Not Found`);
      }
    });
  });

  describe('running it', () => {
    test('events tell sizes and causes, never contents, and reach the diagnostics channel', async () => {
      const node = await nodeWith(answerJson('{"r":[1]}'));
      const relay = await startRelay({ listen: '127.0.0.1:0', node: node.origin, token: TOKEN });
      const published: unknown[] = [];
      const listener = (message: unknown): void => void published.push(message);
      subscribe('millrace:relay', listener);
      cleanups.push(() => unsubscribe('millrace:relay', listener));
      const events = new Arrivals<MillraceEvent>('event');
      relay.events.subscribe((event) => events.push(event));
      await (await fetch(`${relay.url}?token=${TOKEN}`, { method: 'POST', body: '{"secret":1}' })).text();
      await (await fetch(relay.url, { method: 'POST', body: '{}' })).text();
      await events.at(1);
      expect(events.all).toEqual([
        { event: 'exchange', relay: relay.url, ops: 0, bytesOut: 12, bytesIn: 9, ms: expect.any(Number) },
        { event: 'refused', code: 'RELAY_AUTH' },
      ]);
      expect(published).toEqual(events.all);
      expect(JSON.stringify(published)).not.toMatch(new RegExp(`secret|${TOKEN}`));
      await relay.close();
    });

    test('close cuts what runs and leaves no socket', async () => {
      const { node, relay } = await setup(() => {});
      const running = post(relay);
      await node.seen.at(0);
      await Promise.all([relay.server.close(), expect(running).rejects.toThrow()]);
      await expect(post(relay)).rejects.toThrow();
      await relay.server.close();
    });

    test('a kept connection serves many exchanges, strangers and failures between them', async () => {
      const { relay } = await setup();
      const socket = await rawConnection(relay.port);
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const ask = (target: string, last = ''): unknown =>
        socket.write(`POST ${target} HTTP/1.1\r\nhost: x\r\n${last}content-length: 2\r\n\r\n{}`);
      ask(PATH);
      ask('/');
      ask(PATH, 'connection: close\r\n');
      await once(socket, 'end');
      expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
      expect(text).toContain(NOT_FOUND_PAGE);
    });

    test('an address in use is told by its code', async () => {
      const node = await nodeWith();
      const first = await serve(node.origin);
      const second = startRelay({ listen: `127.0.0.1:${first.port}`, node: node.origin, token: TOKEN });
      await expect(second).rejects.toMatchObject({ name: 'RelayError', code: 'ADDRESS_IN_USE' });
      const elsewhere = startRelay({ listen: '192.0.2.1:0', node: node.origin, token: TOKEN });
      await expect(elsewhere).rejects.toMatchObject({ name: 'RelayError', code: 'ADDRESS_UNAVAILABLE' });
    });

    test.each([
      [{ listen: 'nowhere' }, 'CONFIG_INVALID'],
      [{ node: 'tcp://n.example' }, 'CONFIG_INVALID'],
      [{ node: undefined }, 'CONFIG_INVALID'],
      [{ nodeTimeoutMs: 10 }, 'CONFIG_INVALID'],
      [{ maxConcurrent: 0 }, 'CONFIG_INVALID'],
      [{ maxConcurent: 5 }, 'CONFIG_UNKNOWN_KEY'],
      [{ token: '' }, 'KEY_MISSING'],
      [{ token: 'tooshort' }, 'KEY_WEAK'],
    ])('wrong options %j are refused', async (wrong, code) => {
      const options = { listen: '127.0.0.1:0', node: 'http://127.0.0.1:1', token: TOKEN, ...wrong };
      await expect(startRelay(options as Parameters<typeof startRelay>[0])).rejects.toMatchObject({
        name: 'RelayError',
        code,
      });
    });
  });
});

/** Sends a body in chunks by node:http, which shows a cut answer as what it is. */
function send(url: string, chunks: Iterable<string | Uint8Array>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const out = httpRequest(url, { method: 'POST', agent: false }, resolve);
    out.once('error', reject);
    void (async () => {
      for (const chunk of chunks) {
        if (!out.write(chunk)) await drainOrClose(out);
      }
      out.end();
    })().catch(reject);
  });
}

function drainOrClose(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

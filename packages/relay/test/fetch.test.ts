import { createGate, patternBytes } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { createFetchHandler } from '../src/fetch/index.js';
import { fetchHandler } from '../src/fetch/create-fetch-handler.js';
import { testCompliance, TOKEN } from './compliance.js';
import { startFakeNode, type NodeAnswerer } from './fake-node.js';

const URL_WITH_TOKEN = `https://relay.example/any/path?token=${TOKEN}`;

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function nodeAt(answerer?: NodeAnswerer): Promise<Awaited<ReturnType<typeof startFakeNode>>> {
  const node = await startFakeNode(answerer);
  cleanups.push(() => node.close());
  return node;
}

function handlerFor(
  node: string,
  options: { nodeTimeoutMs?: number; maxBodyBytes?: number } = {},
): (request: Request) => Promise<Response> {
  return fetchHandler({
    token: TOKEN,
    nodeUrl: `${node}/tunnel/batch`,
    nodeTimeoutMs: options.nodeTimeoutMs ?? 60_000,
    maxBodyBytes: options.maxBodyBytes ?? 1 << 26,
    fetch: (input, init) => fetch(input, init),
  });
}

const smallRequest = (): Request => new Request(URL_WITH_TOKEN, { method: 'POST', body: '{}' });

describe('the fetch handler', () => {
  testCompliance({
    carries: 'bytes',
    statuses: true,
    start: async (options) => {
      const handler = createFetchHandler(options);
      return {
        ask: (query, init) => handler(new Request(`https://relay.example/?${query}`, init)),
        close: async () => {},
      };
    },
  });

  test('32 MiB pass both ways as streams, and every byte is compared', async () => {
    const bytes = patternBytes(1 << 25, 1);
    bytes[0] = 1;
    const node = await nodeAt((request, response) => {
      response.writeHead(200, { 'content-length': request.body.length }).end(request.body);
    });
    const response = await handlerFor(node.origin)(new Request(URL_WITH_TOKEN, { method: 'POST', body: bytes }));
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await node.seen.at(0)).body.equals(bytes)).toBe(true);
  });

  test('a body of unknown length is cut at the limit, and the node does not run it', async () => {
    const node = await nodeAt();
    const handler = handlerFor(node.origin, { maxBodyBytes: 1000 });
    const body = new Blob(['{"k":"', 'a'.repeat(100_000), '"}']).stream();
    const request = new Request(URL_WITH_TOKEN, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await (await handler(request)).json()).toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(node.seen.all).toEqual([]);
  });

  test('a body that says it is too large is refused unread', async () => {
    const node = await nodeAt();
    const handler = handlerFor(node.origin, { maxBodyBytes: 10 });
    const headers = { 'content-length': '11' };
    const request = new Request(URL_WITH_TOKEN, { method: 'POST', body: '{"k":12345}', headers });
    expect(await (await handler(request)).json()).toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(node.seen.all).toEqual([]);
  });

  test('an answer beyond the limit breaks off instead of ending', async () => {
    const node = await nodeAt((_request, response) => void response.end(`{"r":"${'a'.repeat(200_000)}"}`));
    const handler = handlerFor(node.origin, { maxBodyBytes: 100_000 });
    const node2 = await nodeAt((_request, response) => {
      response.write(`{"r":"${'a'.repeat(50_000)}`);
      response.end('a'.repeat(60_000));
    });
    expect(await (await handler(smallRequest())).json()).toMatchObject({ code: 'RELAY_BODY' });
    const response = await handlerFor(node2.origin, { maxBodyBytes: 100_000 })(smallRequest());
    await expect(response.text()).rejects.toThrow('too large');
  });

  test('a node that never answers is a timeout', async () => {
    const node = await nodeAt(() => {});
    const handler = handlerFor(node.origin, { nodeTimeoutMs: 1 });
    const request = new Request(URL_WITH_TOKEN, { method: 'POST', body: '{}' });
    expect(await (await handler(request)).json()).toMatchObject({ code: 'RELAY_TIMEOUT' });
  });

  test('a client that goes away ends the exchange with the node', async () => {
    const gone = createGate();
    const node = await nodeAt((_request, response) => void response.once('close', () => gone.open()));
    const abort = new AbortController();
    const request = new Request(URL_WITH_TOKEN, { method: 'POST', body: '{}', signal: abort.signal });
    const answer = handlerFor(node.origin)(request);
    await node.seen.at(0);
    abort.abort();
    await expect(answer).rejects.toThrow();
    await gone.opened;
  });

  test('a client that takes only the start of an answer ends the exchange with the node', async () => {
    const gone = createGate();
    const node = await nodeAt((_request, response) => {
      response.once('close', () => gone.open());
      response.write('{"r":[');
    });
    const response = await handlerFor(node.origin)(new Request(URL_WITH_TOKEN, { method: 'POST', body: '{}' }));
    await response.body?.cancel();
    await gone.opened;
  });

  test('a client that cuts its upload is not run by the node', async () => {
    const node = await nodeAt();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('{"k":'));
      },
      pull: (controller) => controller.error(new Error('client cut')),
    });
    const request = new Request(URL_WITH_TOKEN, { method: 'POST', body, duplex: 'half' } as RequestInit);
    await expect(handlerFor(node.origin)(request)).rejects.toThrow();
    expect(node.seen.all).toEqual([]);
  });

  test.each([
    [{ node: 'http://n.example', token: TOKEN, nodeTimeoutMs: 1 }, 'CONFIG_INVALID'],
    [{ node: 'n.example', token: TOKEN }, 'CONFIG_INVALID'],
    [{ node: 'http://n.example', token: 'aaaaaaaaaaaaaaaaaaaaaaaaaa' }, 'KEY_WEAK'],
    [{ node: 'http://n.example', token: TOKEN, timeoutMs: 5 }, 'CONFIG_UNKNOWN_KEY'],
  ])('wrong options %j are refused at once', (options, code) => {
    expect(() => createFetchHandler(options)).toThrow(expect.objectContaining({ name: 'RelayError', code }));
  });
});

import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createGate } from '../gate.js';
import { listenLocally } from '../listen.js';
import { readAll } from '../read-all.js';
import { startFaultRelay } from './fault-relay.js';
import type { FaultRelay, FaultRelayOptions } from './types.js';

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A node that answers `{"r":[N, …]}` with the number of the request and its body, and a relay before it. */
async function setup(
  options: Omit<FaultRelayOptions, 'node'>,
): Promise<{ relay: FaultRelay; executed: string[]; paths: string[] }> {
  const executed: string[] = [];
  const paths: string[] = [];
  const node = await listenLocally(async (request, response) => {
    const body = (await readAll(request)).toString();
    executed.push(body);
    paths.push(request.url ?? '');
    const reply = JSON.stringify({ r: [executed.length, body] });
    response.writeHead(200, { 'content-type': 'application/json' }).end(reply);
  });
  const relay = await startFaultRelay({ node: node.origin, ...options });
  cleanups.push(
    () => node.close(),
    () => relay.close(),
  );
  return { relay, executed, paths };
}

interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

/** Sends one request without following redirects. Rejects where the answer is cut. */
function send(url: string, body = 'ops', method = 'POST'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const out = httpRequest(url, { method, agent: false }, (reply) => {
      readAll(reply).then(
        (text) => resolve({ status: reply.statusCode!, location: reply.headers.location, body: text.toString() }),
        reject,
      );
    });
    out.once('error', reject);
    out.end(method === 'GET' ? undefined : body);
  });
}

describe('a relay with faults', () => {
  test('passes by default, and records what passed', async () => {
    const { relay, executed, paths } = await setup({});
    const later = relay.exchange(1);
    expect(await send(`${relay.url}?token=t`)).toMatchObject({ status: 200, body: '{"r":[1,"ops"]}' });
    await send(`${relay.url}/tunnel`, 'single');
    expect(executed).toEqual(['ops', 'single']);
    expect(paths).toEqual(['/tunnel/batch', '/tunnel']);
    const [first] = relay.exchanges;
    expect(first).toMatchObject({ index: 0, method: 'POST', url: '/relay?token=t', fault: { do: 'pass' } });
    expect(first?.body.toString()).toBe('ops');
    expect(first?.answers[0]?.body.toString()).toBe('{"r":[1,"ops"]}');
    await first?.finished;
    expect((await later).body.toString()).toBe('single');
  });

  test('answers pages and errors without forwarding', async () => {
    const { relay, executed } = await setup({
      faults: [
        'html',
        'empty',
        { do: 'status', status: 404 },
        { do: 'status', status: 403, page: 'no' },
        { do: 'status', status: 429, headers: { 'retry-after': '5' } },
        { do: 'quota-page', quota: 'day' },
        { do: 'quota-page', quota: 'rate' },
        { do: 'json-error', code: 'RELAY_NODE_DOWN' },
        { do: 'body', body: 'not json' },
      ],
    });
    const answers: Answer[] = [];
    for (let i = 0; i < 9; i += 1) answers.push(await send(relay.url));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 403, 429, 200, 200, 200, 200]);
    expect(answers[0]?.body).toContain('<html>');
    expect(answers[1]?.body).toBe('');
    expect(answers[3]?.body).toBe('no');
    expect(answers[5]?.body).toContain('too many times for one day');
    expect(answers[6]?.body).toContain('in a short time');
    expect(JSON.parse(answers[7]?.body ?? '')).toEqual({ e: 'scripted fault', code: 'RELAY_NODE_DOWN' });
    expect(answers[8]?.body).toBe('not json');
    expect(executed).toEqual([]);
    expect((await send(relay.url)).body).toBe('{"r":[1,"ops"]}');
  });

  test.each(['length', 'chunked'] as const)('truncates an answer by %s so that the client can tell', async (how) => {
    const { relay, executed } = await setup({
      faults: [
        { do: 'truncate', how },
        { do: 'truncate', how, keepBytes: 0 },
      ],
    });
    await expect(send(relay.url)).rejects.toThrow('aborted');
    await expect(send(relay.url)).rejects.toThrow('aborted');
    expect(executed).toHaveLength(2);
  });

  test('drops a request before the node sees it, or an answer after the node has run it', async () => {
    const { relay, executed } = await setup({ faults: ['drop-request'] });
    await expect(send(relay.url)).rejects.toThrow();
    expect(executed).toEqual([]);
    relay.push('drop-response');
    await expect(send(relay.url)).rejects.toThrow();
    expect(executed).toEqual(['ops']);
  });

  test('duplicates a request and hands back one answer', async () => {
    const { relay } = await setup({ faults: ['duplicate', { do: 'duplicate', answer: 'second' }] });
    expect((await send(relay.url)).body).toBe('{"r":[1,"ops"]}');
    expect((await send(relay.url)).body).toBe('{"r":[4,"ops"]}');
    expect(relay.exchanges[0]?.answers).toHaveLength(2);
  });

  test('holds a request or an answer at a gate', async () => {
    const before = createGate();
    const after = createGate();
    const { relay, executed } = await setup({
      faults: [
        { do: 'hold', at: 'request', gate: before, next: { do: 'json-error', code: 'RELAY_TIMEOUT' } },
        { do: 'hold', at: 'response', gate: after },
      ],
    });
    const held = [send(relay.url, 'one'), send(relay.url, 'two')];
    const second = await relay.exchange(1);
    expect((await send(relay.url, 'three')).status).toBe(200);
    before.open();
    after.open();
    expect((await held[0])?.body).toContain('RELAY_TIMEOUT');
    expect((await held[1])?.body).toContain('"two"');
    await second.finished;
    expect(executed.toSorted()).toEqual(['three', 'two']);
  });

  test('redirects to a second address that serves the answer once, by GET', async () => {
    const { relay, executed } = await setup({ faults: [{ do: 'redirect', status: 302, hops: 2 }] });
    const first = await send(relay.url);
    expect(first.status).toBe(302);
    const second = await send(new URL(first.location!, relay.url).href, '', 'GET');
    expect(second.status).toBe(302);
    const last = new URL(second.location!, relay.url).href;
    expect(await send(last, '', 'GET')).toMatchObject({ status: 200, body: '{"r":[1,"ops"]}' });
    expect(executed).toEqual(['ops']);
    expect(relay.exchanges).toHaveLength(1);
  });

  test('refuses a POST at the second address of a 302', async () => {
    const { relay } = await setup({ faults: [{ do: 'redirect', status: 302 }] });
    const { location } = await send(relay.url);
    expect((await send(new URL(location!, relay.url).href)).status).toBe(405);
  });

  test('redirects with 307 to an address that wants the body again', async () => {
    const { relay, executed } = await setup({ faults: [{ do: 'redirect', status: 307 }] });
    const first = await send(relay.url, 'again');
    expect(executed).toEqual([]);
    expect(await send(new URL(first.location!, relay.url).href, 'again')).toMatchObject({ body: '{"r":[1,"again"]}' });
  });

  test('redirects wherever it is told to', async () => {
    const { relay } = await setup({ faults: [{ do: 'redirect', status: 302, location: 'ftp://example.org/' }] });
    expect((await send(relay.url)).location).toBe('ftp://example.org/');
  });

  test('decides by a function once the queue is used up', async () => {
    const { relay } = await setup({
      faults: ['pass'],
      decide: ({ index, body }) => (body.toString() === `bad ${index}` ? 'html' : 'pass'),
      recordBodies: false,
    });
    expect((await send(relay.url, 'bad 0')).body).toContain('"r"');
    expect((await send(relay.url, 'bad 1')).body).toContain('<html>');
    expect(relay.exchanges[0]?.body).toHaveLength(0);
  });

  test('cuts the connection where the node is down', async () => {
    const relay = await startFaultRelay({ node: 'http://127.0.0.1:1' });
    cleanups.push(() => relay.close());
    await expect(send(relay.url)).rejects.toThrow();
  });
});

import { once } from 'node:events';
import { Agent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { LIMITS } from '@millrace/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { Arrivals } from '../arrivals.js';
import { createGate } from '../gate.js';
import { listenLocally } from '../listen.js';
import { patternBytes } from '../pattern/pattern.js';
import { Random } from '../random.js';
import { readAll } from '../read-all.js';
import { SimulatedAccounts } from './accounts.js';
import { Decider } from './decide.js';
import { FAULT_NAMES, resolveSettings } from './options.js';
import { SIMULATOR_BOUNDS, type SimulatorBounds } from './simulator.js';
import { startRelaySimulator } from './start.js';
import type { CountedFault, FaultOdds, RelaySimulator, RelaySimulatorOptions } from './types.js';

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Asked {
  body: Buffer;
  url: string;
  headers: IncomingHttpHeaders;
  /** Answers it; by itself it stays open. */
  answer(body?: string | Uint8Array, status?: number, contentType?: string): void;
}

interface SetUp {
  relay: RelaySimulator;
  asked: Arrivals<Asked>;
  faults: Arrivals<{ fault: CountedFault; request: number }>;
}

/** A node that tells what it was asked, and answers `N:` and the body with the number of the request, unless held. */
async function setup(
  options: Partial<RelaySimulatorOptions> = {},
  held = false,
  bounds?: Partial<SimulatorBounds>,
): Promise<SetUp> {
  const asked = new Arrivals<Asked>('request to the node');
  const faults = new Arrivals<{ fault: CountedFault; request: number }>('fault');
  const node = await listenLocally(async (request, response) => {
    const body = await readAll(request);
    const answer: Asked['answer'] = (text, status = 200, contentType = 'text/x-node') => {
      response.writeHead(status, { 'content-type': contentType }).end(text);
    };
    asked.push({ body, url: request.url ?? '', headers: request.headers, answer });
    if (!held) answer(Buffer.concat([Buffer.from(`${asked.all.length - 1}:`), body]));
  });
  const onFault = (fault: CountedFault, request: number): void => faults.push({ fault, request });
  const relay = await startRelaySimulator(
    { node: node.origin, onFault, ...options },
    { ...SIMULATOR_BOUNDS, ...bounds },
  );
  cleanups.push(
    () => node.close(),
    () => asked.end(),
    () => relay.close(),
  );
  return { relay, asked, faults };
}

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function start(
  url: string,
  body: string | Uint8Array | undefined,
  agent?: Agent,
): { out: ClientRequest; reply: Promise<Reply> } {
  const headers = { 'content-type': 'text/x-client', 'x-extra': 'yes' };
  const out = httpRequest(url, { method: body === undefined ? 'GET' : 'POST', agent: agent ?? false, headers });
  const reply = new Promise<Reply>((resolve, reject) => {
    out.once('error', reject);
    out.once('response', (answer) => {
      readAll(answer).then(
        (bytes) => resolve({ status: answer.statusCode!, headers: answer.headers, body: bytes.toString('latin1') }),
        reject,
      );
    });
  });
  // A test may give up on it.
  reply.catch(() => undefined);
  out.end(body);
  return { out, reply };
}

const send = (url: string, body?: string | Uint8Array): Promise<Reply> => start(url, body).reply;
const always = (fault: keyof FaultOdds): { faults: FaultOdds } => ({ faults: { [fault]: 1 } });

/** A seed with which the first request meets this. */
function seedWhere(settings: object, wanted: (decider: Decider) => boolean): number {
  for (let seed = 0; seed < 10_000; seed++) {
    if (wanted(new Decider(resolveSettings({ ...settings, seed })))) return seed;
  }
  throw new Error('no seed does that');
}

describe('a simulated relay', () => {
  test('passes bytes, content type and status on, to one address, and counts what it carried', async () => {
    const { relay, asked } = await setup({}, true);
    const bytes = patternBytes(300_000, 1);
    const { reply } = start(`${relay.url}/any/path?token=t`, bytes);
    const got = await asked.at(0);
    expect(got.body.equals(bytes)).toBe(true);
    expect(got.url).toBe('/tunnel/batch');
    expect(got.headers['content-type']).toBe('text/x-client');
    expect(got.headers['x-extra']).toBeUndefined();
    got.answer('gone', 410, 'text/x-node');
    expect(await reply).toMatchObject({ status: 410, body: 'gone', headers: { 'content-type': 'text/x-node' } });
    const { requests, bytes: moved, heldBytes, mostConcurrent, mostHeldBytes } = relay.stats();
    expect({ requests, mostConcurrent }).toEqual({ requests: 1, mostConcurrent: 1 });
    expect(moved.clientUp).toBeGreaterThan(bytes.length);
    expect(moved.nodeUp).toBeGreaterThan(bytes.length);
    expect(moved.clientUp).toBeLessThan(bytes.length + 500);
    expect(moved.clientDown).toBeGreaterThan(4);
    expect(heldBytes).toBeLessThanOrEqual(mostHeldBytes);
    expect(mostHeldBytes).toBe(bytes.length + 4);
  });

  test('keeps its connections to the node', async () => {
    const { relay, asked } = await setup();
    await send(relay.url, 'a');
    await send(relay.url, 'b');
    expect(asked.all.map(({ headers }) => headers.connection)).toEqual(['keep-alive', 'keep-alive']);
  });

  test('with a token turns everybody else away', async () => {
    const { relay, asked, faults } = await setup({ token: 'right' });
    expect((await send(relay.url, 'a')).status).toBe(404);
    expect((await send(`${relay.url}?token=wrong`, 'a')).status).toBe(404);
    expect((await send(`${relay.url}?token=right`)).status).toBe(404);
    expect((await send(`${relay.url}?token=right`, 'a')).body).toBe('0:a');
    expect(asked.all).toHaveLength(1);
    expect(faults.all.map(({ fault, request }) => [fault, request])).toEqual([0, 1, 2].map(() => ['wrongToken', -1]));
  });

  test('that carries text only drops what scripts drop, and answers bytes with an error page', async () => {
    const { relay, asked } = await setup({ textOnly: true }, true);
    const { reply } = start(relay.url, 'QUJD');
    const got = await asked.at(0);
    expect(got.headers['content-type']).toBe('text/plain; charset=utf-8');
    got.answer('UkVG', 404);
    expect(await reply).toMatchObject({ status: 200, body: 'UkVG' });
    for (const bytes of [Buffer.from([0x1f, 0x8b, 8]), Buffer.from([1, 65])]) {
      expect((await send(relay.url, bytes)).body).toMatch(/<html>.*not UTF-8/);
    }
    const back = start(relay.url, 'QUJD');
    (await asked.at(1)).answer(Buffer.from([1, 0xff]));
    expect(await back.reply).toMatchObject({ status: 200, body: expect.stringMatching(/not UTF-8/) });
    expect(relay.stats().faults.notText).toBe(3);
  });

  test('says it when it cannot reach the node, by page or by JSON', async () => {
    const gone = await listenLocally(() => undefined);
    await gone.close();
    const bytes = await setup({ node: gone.origin });
    expect(JSON.parse((await send(bytes.relay.url, 'a')).body)).toMatchObject({ code: 'RELAY_NODE_DOWN' });
    const text = await setup({ node: gone.origin, textOnly: true });
    expect((await send(text.relay.url, 'a')).body).toMatch(/Address unavailable/);
    expect(text.relay.stats().faults.nodeFailed).toBe(1);
  });

  test('refuses bodies that are larger than a tunnel body', async () => {
    const { relay, asked } = await setup();
    const { reply } = start(relay.url, Buffer.alloc(LIMITS.maxBodyBytes + 1, 65));
    expect(JSON.parse((await reply).body)).toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(asked.all).toEqual([]);
  });

  test('refuses wrong options by their name', async () => {
    await expect(startRelaySimulator({ node: 'ftp://x' })).rejects.toThrow('node must be an http: or https: address');
    const options = { node: 'http://127.0.0.1:1', clientLeg: { up: { rateMbps: -5 } } };
    await expect(startRelaySimulator(options)).rejects.toThrow('clientLeg.up.rateMbps must be a number from');
  });

  test('measures its own legs with a bare loop', async () => {
    const legs = { up: { delayMs: { fixed: 1 }, rateMbps: 800 }, down: { delayMs: { uniform: [0, 2] as const } } };
    const { relay } = await setup({ clientLeg: legs, redirects: 1, textOnly: true, ...always('requestLost') });
    expect(relay.ceiling(3)).toMatchObject({ roundTripMs: 4, requestsPerSecond: 750, upMBps: 100 });
    const measured = await relay.measureCeiling({ bytes: 10_000, inFlight: 3, requests: 7 });
    expect(measured).toMatchObject({ requests: 7, bytes: 10_000, inFlight: 3 });
    expect(measured.MBps).toBeCloseTo((measured.requestsPerSecond * 10_000) / 1e6);
    expect(relay.stats().requests).toBe(0);
  });
});

describe('a fault of a simulated relay', () => {
  test.each(['requestLost', 'responseLost'] as const)('%s is silence, until the relay gives up', async (fault) => {
    const { relay, asked, faults } = await setup({ ...always(fault), silenceMs: 0 });
    await expect(send(relay.url, 'a')).rejects.toThrow(/ECONNRESET|hang up/);
    expect(asked.all).toHaveLength(fault === 'requestLost' ? 0 : 1);
    expect(faults.all).toEqual([{ fault, request: 0 }]);
  });

  test('silence holds nothing once the client has gone or the simulator closes', async () => {
    const { relay, faults } = await setup(always('requestLost'));
    const [first, second] = [start(relay.url, 'a'), start(relay.url, 'b')];
    await faults.at(1);
    expect(relay.stats()).toMatchObject({ silent: 2, concurrent: 2 });
    first.out.destroy();
    await relay.close();
    await expect(second.reply).rejects.toThrow(/ECONNRESET|hang up/);
    expect(relay.stats()).toMatchObject({ silent: 0, concurrent: 0, heldBytes: 0 });
  });

  test.each(['requestReset', 'responseReset'] as const)('%s cuts the connection', async (fault) => {
    const { relay, asked } = await setup(always(fault));
    await expect(send(relay.url, 'a')).rejects.toThrow(/ECONNRESET|hang up/);
    expect(asked.all).toHaveLength(fault === 'requestReset' ? 0 : 1);
  });

  test('requestRefused says that the node is down, and the node sees nothing', async () => {
    const { relay, asked } = await setup(always('requestRefused'));
    expect(JSON.parse((await send(relay.url, 'a')).body)).toMatchObject({ code: 'RELAY_NODE_DOWN' });
    expect(asked.all).toEqual([]);
  });

  test('responseEmpty and responseHtml answer 200, after the node has run it', async () => {
    const empty = await setup(always('responseEmpty'));
    expect(await send(empty.relay.url, 'a')).toMatchObject({ status: 200, body: '' });
    const html = await setup(always('responseHtml'));
    expect(await send(html.relay.url, 'a')).toMatchObject({ status: 200, body: expect.stringContaining('<html>') });
    expect(empty.asked.all.length + html.asked.all.length).toBe(2);
  });

  test('responseTruncated ends the connection in the middle of the body', async () => {
    const { relay, asked } = await setup(always('responseTruncated'));
    await expect(send(relay.url, patternBytes(100_000, 2))).rejects.toThrow('aborted');
    expect(asked.all).toHaveLength(1);
  });

  test.each(['first', 'second'] as const)(
    'doubled reaches the node twice, and the %s answer comes back',
    async (which) => {
      const seed = seedWhere({}, (decider) => {
        const { double } = decider.next(0);
        return double.answer === which && double.gapMs === 0;
      });
      const { relay, asked } = await setup({ ...always('doubled'), seed }, true);
      const { reply } = start(relay.url, 'a');
      // Two connections: which of them the node reads first is not told.
      const both = [await asked.at(0), await asked.at(1)];
      expect(both.map(({ body }) => body.toString())).toEqual(['a', 'a']);
      both[0]!.answer('one');
      both[1]!.answer('other');
      expect(['one', 'other']).toContain((await reply).body);
    },
  );

  test('doubled may bring the second one later, and hand back its answer', async () => {
    const seed = seedWhere({}, (decider) => {
      const { double } = decider.next(0);
      return double.answer === 'second' && double.gapMs > 0;
    });
    const { relay, asked } = await setup({ ...always('doubled'), seed, doubledGapMs: [1, 1] });
    expect((await send(relay.url, 'a')).body).toBe('1:a');
    expect(asked.all).toHaveLength(2);
  });

  test('late reaches the node though the client has gone', async () => {
    const seed = seedWhere({}, (decider) => decider.next(0).late.at === 'request');
    const { relay, asked, faults } = await setup({ ...always('late'), seed, lateMs: [1, 1] });
    const { out } = start(relay.url, 'a');
    await faults.at(0);
    out.destroy();
    expect((await asked.at(0)).body.toString()).toBe('a');
  });

  test('late may hold the answer', async () => {
    const seed = seedWhere({}, (decider) => decider.next(0).late.at === 'response');
    const { relay, asked } = await setup({ ...always('late'), seed, lateMs: [600_000, 600_000] });
    const { reply } = start(relay.url, 'a');
    await asked.at(0);
    await relay.close();
    await expect(reply).rejects.toThrow(/ECONNRESET|hang up/);
  });

  test('reordered lets later requests pass', async () => {
    const settings = { faults: { reordered: 0.5 } };
    const seed = seedWhere(settings, (decider) => {
      const drawn = [decider.next(0), decider.next(0), decider.next(0)];
      return drawn.map(({ fault }) => fault ?? '-').join() === 'reordered,-,-' && drawn[0]!.lets === 2;
    });
    const { relay, asked, faults } = await setup({ ...settings, seed, reorderMs: 600_000 });
    const held = start(relay.url, 'first');
    await faults.at(0);
    await send(relay.url, 'second');
    await send(relay.url, 'third');
    expect((await held.reply).body).toBe('2:first');
    expect(asked.all.map(({ body }) => body.toString())).toEqual(['second', 'third', 'first']);
  });

  test('the same seed gives the same faults to the same requests', async () => {
    const faults = { requestReset: 0.2, responseEmpty: 0.2, responseHtml: 0.2, responseTruncated: 0.2 };
    const run = async (seed: number): Promise<string[]> => {
      const { relay } = await setup({ seed, faults });
      const seen: string[] = [];
      for (let i = 0; i < 30; i++) {
        seen.push(
          await send(relay.url, 'abcdef').then(
            ({ body }) => body.slice(0, 6).replace(/^\d+/, 'N'),
            () => 'cut',
          ),
        );
      }
      return seen;
    };
    const first = await run(11);
    expect(await run(11)).toEqual(first);
    expect(await run(12)).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(3);
  });
});

describe('limits of a simulated relay', () => {
  test('windows answer with their status and time to wait', async () => {
    const windows = [
      { status: 429, retryAfterSeconds: 7, fromRequest: 0, toRequest: 1 },
      { status: 403, fromRequest: 1, toRequest: 2 },
      { status: 503, fromMs: 0, toMs: 1_000_000 },
    ];
    const { relay, asked } = await setup({ windows });
    expect(await send(relay.url, 'a')).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
    expect((await send(relay.url, 'a')).status).toBe(403);
    expect((await send(relay.url, 'a')).status).toBe(503);
    expect(asked.all).toEqual([]);
    expect(relay.stats().faults.window).toBe(3);
  });

  test('accounts are shared, and say it as a script does', async () => {
    const accounts = new SimulatedAccounts();
    const limits = { accounts, account: 'one', concurrency: 1, dailyRequests: 2 };
    const a = await setup(limits, true);
    const b = await setup(limits);
    const held = start(a.relay.url, 'a');
    const asked = await a.asked.at(0);
    expect(accounts.used('one')).toEqual({ concurrent: 1, today: 1 });
    expect(await send(b.relay.url, 'b')).toMatchObject({
      status: 200,
      body: expect.stringMatching(/<html>.*too many times in a short time/),
    });
    asked.answer('done');
    await held.reply;
    expect((await send(b.relay.url, 'b')).body).toBe('0:b');
    expect((await send(b.relay.url, 'b')).body).toMatch(/too many times for one day/);
    expect((await send((await setup()).relay.url, 'c')).body).toBe('0:c');
    const { concurrency, dailyRequests } = b.relay.stats().faults;
    expect({ concurrency, dailyRequests }).toEqual({ concurrency: 1, dailyRequests: 1 });
  });

  test('redirects lead to the answer, which is served once', async () => {
    const { relay, asked } = await setup({ redirects: 2 });
    const first = await send(relay.url, 'a');
    expect(first.status).toBe(302);
    const second = await send(new URL(first.headers.location!, relay.url).href);
    expect(second.status).toBe(302);
    const last = new URL(second.headers.location!, relay.url).href;
    expect(await send(last)).toMatchObject({ status: 200, body: '0:a' });
    expect((await send(last)).status).toBe(404);
    expect(asked.all).toHaveLength(1);
    expect(relay.stats()).toMatchObject({ requests: 1, redirected: 2 });
  });

  test('faults of answers meet the one at the end of the redirects', async () => {
    const { relay } = await setup({ redirects: 1, ...always('responseTruncated') });
    const { status, headers } = await send(relay.url, 'abcdefgh');
    expect(status).toBe(302);
    await expect(send(new URL(headers.location!, relay.url).href)).rejects.toThrow('aborted');
  });

  test('rates and delays change nothing about the bytes', async () => {
    const link = { delayMs: { uniform: [0, 3] as const }, rateMbps: 400 };
    const leg = { up: link, down: link };
    const { relay } = await setup({ clientLeg: leg, nodeLeg: leg, slowFactor: 2 });
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    const bodies = Array.from({ length: 8 }, (_, index) => patternBytes(200_000 + index, index));
    const replies = await Promise.all(bodies.map((body) => start(relay.url, body, agent).reply));
    replies.forEach(({ body }, index) => {
      expect(Buffer.from(body.replace(/^\d+:/, ''), 'latin1').equals(bodies[index]!)).toBe(true);
    });
  });

  test('who goes in the middle of a body leaves nothing', async () => {
    const { relay, asked } = await setup();
    const out = httpRequest(relay.url, { method: 'POST', agent: false, headers: { 'content-length': 1_000 } });
    out.on('error', () => undefined);
    const opened = once(out, 'socket');
    out.write('half');
    await opened;
    const passed = createGate();
    out.once('close', () => passed.open());
    out.destroy();
    await passed.opened;
    expect((await send(relay.url, 'next')).body).toBe('0:next');
    expect(asked.all).toHaveLength(1);
  });
});

describe('bounds of a simulated relay', () => {
  test('one request too many ends the silence that has lasted longest', async () => {
    const windows = [{ status: 500, fromRequest: 2, toRequest: 3 }];
    const { relay, faults } = await setup({ ...always('requestLost'), windows }, false, { maxExchanges: 2 });
    const first = start(relay.url, 'a');
    await faults.at(0);
    start(relay.url, 'b');
    await faults.at(1);
    expect((await send(relay.url, 'c')).status).toBe(500);
    await expect(first.reply).rejects.toThrow(/ECONNRESET|hang up/);
  });

  test('where none is silent it is told that there is too much to do', async () => {
    const { relay, asked } = await setup({}, true, { maxExchanges: 1 });
    const { reply } = start(relay.url, 'a');
    const held = await asked.at(0);
    expect(JSON.parse((await send(relay.url, 'b')).body)).toMatchObject({ code: 'RELAY_QUOTA_RATE' });
    held.answer('done');
    expect((await reply).body).toBe('done');
    expect(relay.stats().faults.overloaded).toBe(1);
  });

  test('bodies beyond what may be held are not taken, and answers that nobody fetches make room', async () => {
    const { relay, asked } = await setup({ redirects: 1 }, false, { maxHeldBytes: 5_000, maxSecondAddresses: 2 });
    expect(JSON.parse((await send(relay.url, Buffer.alloc(6_000, 65))).body)).toMatchObject({
      code: 'RELAY_QUOTA_RATE',
    });
    const locations: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { headers } = await send(relay.url, Buffer.alloc(2_000, 65));
      locations.push(new URL(headers.location!, relay.url).href);
    }
    expect(asked.all).toHaveLength(3);
    expect(relay.stats().mostHeldBytes).toBeLessThanOrEqual(5_000);
    expect((await send(locations[0]!)).status).toBe(404);
    expect((await send(locations[2]!)).body).toHaveLength(2_002);
    await relay.close();
    expect(relay.stats()).toMatchObject({ heldBytes: 0, concurrent: 0 });
  });

  test('nothing is left of clients that come and go as they like, whatever happens to them', async () => {
    const odds = Object.fromEntries(FAULT_NAMES.map((name) => [name, 1 / FAULT_NAMES.length]));
    const link = { delayMs: { uniform: [0, 3] as const }, rateMbps: 400 };
    const accounts = new SimulatedAccounts();
    const { relay } = await setup({
      faults: odds,
      lateMs: [0, 5],
      doubledGapMs: [0, 5],
      reorderMs: 5,
      silenceMs: 5,
      redirects: 1,
      clientLeg: { up: link, down: link },
      accounts,
      account: 'a',
    });
    const random = new Random(3);
    const client = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const { out, reply } = start(relay.url, Buffer.alloc(random.int(1, 50_000), 65));
        if (random.next() < 0.3) out.once('socket', () => out.destroy());
        const { headers } = await reply.catch(() => ({ headers: {} as IncomingHttpHeaders }));
        const { location } = headers;
        if (location !== undefined && random.next() < 0.7)
          await send(new URL(location, relay.url).href).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: 10 }, client));
    expect(relay.stats().mostHeldBytes).toBeGreaterThan(0);
    await relay.close();
    expect(relay.stats()).toMatchObject({ heldBytes: 0, concurrent: 0, silent: 0 });
    expect(accounts.used('a').concurrent).toBe(0);
  });
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { NodeError, type NodeOptions, startNode } from '../src/index.js';
import { eventually } from './support/eventually.js';
import { b64, KEY, openStream, postTo, startClockedNode, startTestNode } from './support/node.js';
import { isPending } from './support/pending.js';
import { startTarget, startUdpTarget } from './support/target.js';

const minimal: NodeOptions = { key: KEY, listen: '127.0.0.1:0', admin: '127.0.0.1:0' };

describe('starting', () => {
  test('a node starts on free ports and says where', async () => {
    const node = await startNode(minimal);
    onTestFinished(() => node.close());
    expect(node.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(node.adminUrl).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(node.id).toMatch(/^[0-9a-f-]{36}$/);
    const answer = await postTo(`${node.url}/tunnel/batch`, JSON.stringify({ k: KEY, ops: [{ op: 'version' }] }));
    expect(JSON.parse(answer.body.toString())).toMatchObject({ r: [{ node: node.id }] });
  });

  test('a node on all addresses names one that can be reached, also on IPv6', async () => {
    for (const [listen, url] of [
      ['0.0.0.0:0', 'http://127.0.0.1:'],
      ['[::]:0', 'http://[::1]:'],
      ['[::1]:0', 'http://[::1]:'],
    ] as const) {
      const node = await startNode({ ...minimal, listen, admin: '' });
      onTestFinished(() => node.close());
      expect(node.url.startsWith(url)).toBe(true);
      expect(node.adminUrl).toBeUndefined();
      expect((await postTo(node.url, '')).status).toBe(404);
    }
  });

  test.each<[string, object, string, string?]>([
    ['no key', { key: '' }, 'KEY_MISSING'],
    ['a key left out', { key: undefined }, 'KEY_MISSING'],
    ['a weak key', { key: 'password' }, 'KEY_WEAK'],
    ['a repeated key', { key: 'abcdefghabcdefghabcdefgh' }, 'KEY_WEAK'],
    ['a misspelt option', { maxStream: 5 }, 'CONFIG_UNKNOWN_KEY', 'maxStreams'],
    ['a file option', { keyFile: 'x' }, 'CONFIG_UNKNOWN_KEY', 'key'],
    ['a TLS file option', { tlsCertFile: 'x' }, 'CONFIG_UNKNOWN_KEY', 'tls.cert'],
    ['an option out of range', { maxStreams: 0 }, 'CONFIG_INVALID', 'maxStreams'],
    ['an option of the wrong type', { allowPrivate: 'yes' }, 'CONFIG_INVALID', 'allowPrivate'],
    ['an address that is none', { listen: 'here' }, 'CONFIG_INVALID', 'listen'],
    ['a name rule that is none', { allowNames: ['a b'] }, 'CONFIG_INVALID', 'allowNames'],
    ['half a TLS option', { tls: { cert: 'x' } }, 'CONFIG_INVALID', 'tls.key'],
    ['a misspelt TLS option', { tls: { cert: 'x', keys: 'x' } }, 'CONFIG_UNKNOWN_KEY', 'tls.keys'],
  ])('%s is refused by name', async (_, wrong, code, names = '') => {
    const error: unknown = await startNode({ ...minimal, ...wrong } as NodeOptions).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NodeError);
    expect(error).toMatchObject({ name: 'NodeError', code, message: expect.stringContaining(names) });
  });

  test('a certificate that is none is an error of configuration', async () => {
    await expect(startNode({ ...minimal, tls: { cert: 'no PEM', key: 'no PEM' } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  test('an address in use, for tunnel or admin, is an error with its code, and nothing stays', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(startNode({ ...minimal, listen: taken })).rejects.toMatchObject({
      name: 'NodeError',
      code: 'ADDRESS_IN_USE',
    });
    await expect(startNode({ ...minimal, admin: taken })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  });

  test('an address of another machine is an error with its code', async () => {
    await expect(startNode({ ...minimal, listen: '192.0.2.1:0' })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
    });
  });

  test('a node reaches neither its own tunnel listener nor its admin listener, however they are spelt', async () => {
    const test = await startTestNode({ admin: '127.0.0.1:0' });
    for (const url of [test.node.url, test.node.adminUrl!]) {
      const port = Number(new URL(url).port);
      for (const host of ['127.0.0.1', '127.3.2.1', '0x7f.1', 'localhost', '::ffff:127.0.0.1', '0.0.0.0']) {
        expect(await test.batch([{ op: 'connect', host, port }])).toEqual([
          { e: expect.any(String), code: 'POLICY_DENIED' },
        ]);
      }
    }
  });

  test('by default a node reaches nothing private', async () => {
    const test = await startTestNode({ allowPrivate: false });
    const target = await startTarget();
    const udp = await startUdpTarget();
    expect(
      await test.batch([
        { op: 'connect', host: '127.0.0.1', port: target.port },
        { op: 'connect_data', host: 'localhost', port: target.port, d: b64('x') },
        { op: 'udp_open', host: '127.0.0.1', port: udp.port, d: b64('x') },
      ]),
    ).toMatchObject([{ code: 'POLICY_DENIED' }, { code: 'POLICY_DENIED' }, { code: 'POLICY_DENIED' }]);
  });
});

describe('events', () => {
  test('every event of a stream is told, to the hub that was given and on the diagnostics channel too', async () => {
    const given = new EventHub<MillraceEvent>();
    const heard: MillraceEvent[] = [];
    const published: unknown[] = [];
    given.subscribe((event) => heard.push(event));
    const onMessage = (message: unknown): void => void published.push(message);
    subscribe('millrace:node', onMessage);
    onTestFinished(() => void unsubscribe('millrace:node', onMessage));
    const test = await startTestNode({ events: given, activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    await test.batch([
      { op: 'data', sid, d: b64('four') },
      { op: 'close', sid },
    ]);
    await peer.ended;
    const ms = expect.any(Number);
    expect(heard).toEqual([
      { event: 'open', id: 1, kind: 'stream' },
      { event: 'dial', result: 'ok', ms },
      { event: 'opened', id: 1, kind: 'stream', ms },
      { event: 'batch', ops: 1, kinds: [{ op: 'connect', count: 1 }], bytesUp: 0, bytesDown: 0, ms },
      { event: 'closed', id: 1, kind: 'stream', bytesUp: 4, bytesDown: 0, ms },
      {
        event: 'batch',
        ops: 2,
        kinds: [
          { op: 'data', count: 1 },
          { op: 'close', count: 1 },
        ],
        bytesUp: 4,
        bytesDown: 0,
        ms,
      },
    ]);
    expect(published).toEqual(heard);
    expect(test.events).toEqual(heard);
  });

  test('targets are named only where that is asked for', async () => {
    const target = await startTarget();
    for (const logTargets of [false, true]) {
      const test = await startTestNode({ logTargets });
      await test.connect(target);
      expect(JSON.stringify(test.events).includes(String(target.port))).toBe(logTargets);
      await test.node.close();
    }
  });

  test('a stream that fails is told with its code', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    peer.reset();
    await test.batch([{ op: 'data', sid }]);
    await test.batch([{ op: 'close', sid }]);
    expect(test.events.find(({ event }) => event === 'closed')).toMatchObject({ code: 'TARGET_RESET' });
  });
});

describe('ending', () => {
  test('close ends everything at once: streams, flows, dials, polls, connections', async () => {
    const test = await startTestNode({ lookup: () => new Promise(() => {}), admin: '127.0.0.1:0' });
    const { sid, peer } = await openStream(test);
    const udp = await startUdpTarget();
    await test.batch([{ op: 'udp_open', host: '127.0.0.1', port: udp.port }]);
    const gone = [
      test.batch([{ op: 'data', sid }]),
      test.batch([{ op: 'data', sid, seq: 3 }]),
      test.batch([{ op: 'connect', host: 'slow.example.org', port: 80 }]),
    ].map((reply) => expect(reply).rejects.toThrow());
    const idle = connect({ host: '127.0.0.1', port: Number(new URL(test.node.url).port) });
    idle.on('error', () => {});
    await once(idle, 'connect');
    await eventually(() => test.node.stats().requests === 3);
    const idleGone = once(idle, 'close');
    await test.node.close();
    expect(test.node.stats()).toEqual({
      streams: 0,
      flows: 0,
      opening: 0,
      lingering: 0,
      bufferedBytes: 0,
      clients: 0,
      level2Channels: 0,
      held: 0,
      requests: 0,
      requestBytes: 0,
    });
    await Promise.all([...gone, idleGone]);
    expect(await peer.gone).toBe('reset');
    await expect(test.post('')).rejects.toThrow();
    expect(test.events.at(-1)).toEqual({ event: 'shutdown', phase: 'closed', streams: 2 });
  });

  test('close may be called again, and waits for the same end', async () => {
    const test = await startTestNode();
    await Promise.all([test.node.close(), test.node.close(), test.node.drain()]);
    await test.node.drain();
    expect(test.events.filter(({ event }) => event === 'shutdown')).toHaveLength(1);
  });

  test('close cuts streams that linger', async () => {
    const test = await startTestNode();
    const { sid, peer } = await openStream(test);
    await test.batch([{ op: 'close', sid }]);
    await peer.ended;
    expect(test.node.stats().lingering).toBe(1);
    await test.node.close();
    expect(test.node.stats().lingering).toBe(0);
  });

  test('a target that does not end its side is cut five seconds after a close', async () => {
    const test = await startClockedNode({ activeDrainMs: 0 });
    const { sid, peer } = await openStream(test);
    await test.batch([{ op: 'close', sid }]);
    await peer.ended;
    await test.clock.scheduled(5_000);
    test.clock.advance(5_000);
    await eventually(() => test.node.stats().lingering === 0);
  });

  test('a drain opens nothing more, lets streams go on, and closes when the last is closed', async () => {
    const test = await startTestNode({ admin: '127.0.0.1:0' });
    const ready = async (): Promise<number> => (await fetch(`${test.node.adminUrl}/readyz`)).status;
    const { sid, peer, target } = await openStream(test);
    expect(await ready()).toBe(200);
    const drained = test.node.drain();
    expect(await ready()).toBe(503);
    expect((await fetch(`${test.node.adminUrl}/healthz`)).status).toBe(200);
    expect(await test.batch([{ op: 'connect', host: '127.0.0.1', port: target.port }])).toEqual([
      { e: expect.any(String), code: 'NODE_BUSY' },
    ]);
    const reply = test.batch([{ op: 'data', sid, d: b64('ask') }]);
    await peer.read(3);
    await peer.write('tell');
    expect(await reply).toEqual([{ sid, d: b64('tell'), eof: false }]);
    expect(await isPending(drained)).toBe(true);
    expect(await test.batch([{ op: 'close', sid }])).toEqual([{ sid, eof: true }]);
    await drained;
    await expect(test.post('')).rejects.toThrow();
    expect(test.events.filter(({ event }) => event === 'shutdown')).toEqual([
      { event: 'shutdown', phase: 'draining', streams: 1 },
      { event: 'shutdown', phase: 'closed', streams: 0 },
    ]);
  });

  test('a drain ends after drainSeconds whatever still runs', async () => {
    const test = await startClockedNode({ drainSeconds: 30 });
    const { peer } = await openStream(test);
    const drained = test.node.drain();
    test.clock.advance(29_999);
    expect(await isPending(drained)).toBe(true);
    test.clock.advance(1);
    await drained;
    expect(await peer.gone).toBe('reset');
  });

  test('a dial that comes to its end during a drain opens nothing', async () => {
    let answer: (found: Array<{ address: string; family: 4 | 6 }>) => void = () => {};
    const test = await startTestNode({ lookup: () => new Promise((resolve) => (answer = resolve)) });
    const target = await startTarget();
    const { sid } = await test.connect(target);
    const reply = test.batch([{ op: 'connect', host: 'slow.example.org', port: target.port }]);
    await eventually(() => test.node.stats().opening === 1);
    const drained = test.node.drain();
    answer([{ address: '127.0.0.1', family: 4 }]);
    expect(await reply).toEqual([{ e: expect.any(String), code: 'NODE_BUSY' }]);
    expect(await (await target.next()).gone).toBe('reset');
    await test.batch([{ op: 'close', sid }]);
    await drained;
  });
});

import { describe, expect, test } from 'vitest';
import { fill, pattern, PatternCheck } from './support/pattern.js';
import { eventually, quiet } from './support/eventually.js';
import { addClient, startLevel2 } from './support/level2-node.js';
import { closedPort, startTarget } from './support/target.js';
import { MIB } from './support/raw.js';
import { isPending } from './support/pending.js';
import { openStream } from './support/node.js';

describe.each([
  ['bytes', false],
  ['text', true],
])('as %s', (_, text) => {
  test('bytes go both ways and each side ends on its own', async () => {
    const { client } = await startLevel2({}, { text });
    const target = await startTarget();
    const stream = client.open(target.port);
    await stream.write('to the target');
    const peer = await target.next();
    expect(await stream.opened).toBe('opened');
    expect(await peer.readText(13)).toBe('to the target');
    await peer.write('and back');
    expect(await stream.readText(8)).toBe('and back');
    stream.finish();
    await peer.ended;
    await peer.write('still here');
    expect(await stream.readText(10)).toBe('still here');
    peer.end();
    expect(await stream.read()).toBeNull();
    expect(await stream.end).toBe('closed');
    expect(await peer.gone).toBe('clean');
  });

  test('four streams of 4 MiB each way at once keep every byte in its place', async () => {
    // Less may be on its way at once than is sent, so that only what is used up goes on.
    const { node, client } = await startLevel2({ maxBufferedBytes: 16 * MIB }, { text });
    const target = await startTarget();
    const bytes = 4 * MIB;
    await Promise.all(
      [1, 2, 3, 4].map(async (seed) => {
        const stream = client.open(target.port);
        const peer = await target.next();
        const up = new PatternCheck(seed);
        const down = new PatternCheck(seed + 100);
        const send = async (): Promise<void> => {
          for (let at = 0; at < bytes; at += 65_536) await peer.write(pattern(seed + 100, at, 65_536));
          peer.end();
        };
        const receive = async (): Promise<void> => {
          while (up.bytes < bytes) up.push(await peer.readSome());
          await peer.ended;
        };
        const write = async (): Promise<void> => {
          for (let at = 0; at < bytes; at += 65_536) await stream.write(pattern(seed, at, 65_536));
          stream.finish();
        };
        await Promise.all([send(), receive(), write(), stream.drain((piece) => down.push(piece))]);
        expect([up.bytes, down.bytes]).toEqual([bytes, bytes]);
        expect(await stream.end).toBe('closed');
      }),
    );
    await eventually(() => node.stats().streams === 0 && node.stats().lingering === 0);
  });
});

describe('ends', () => {
  test('the target ends first and still reads', async () => {
    const { client } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await peer.write('all');
    peer.end();
    expect(await stream.readText(3)).toBe('all');
    expect(await stream.read()).toBeNull();
    await stream.write('more');
    expect(await peer.readText(4)).toBe('more');
    stream.finish();
    await peer.ended;
    expect(await stream.end).toBe('closed');
  });

  test('bytes that the target sent before it reset the connection come first', async () => {
    const { client, events } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await peer.write('last words');
    expect(await stream.readText(10)).toBe('last words');
    peer.reset();
    expect(await stream.end).toBe('TARGET_RESET');
    expect(events).toContainEqual(expect.objectContaining({ event: 'closed', code: 'TARGET_RESET', bytesDown: 10 }));
  });

  test('bytes that wait for the client when the target resets come before the reset', async () => {
    const { client, node } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    const bytes = fill(Buffer.alloc(6 * MIB), 7);
    const written = peer.write(bytes);
    // Not read here: it fills what the client allows, then the node.
    await eventually(() => node.stats().bufferedBytes > 0);
    const check = new PatternCheck(7);
    while (check.bytes < bytes.length) check.push((await stream.read())!);
    await written;
    peer.reset();
    expect(await stream.end).toBe('TARGET_RESET');
  });

  test('a reset that overtakes bytes at the node lets those go first, and never ends cleanly', async () => {
    const { client, node } = await startLevel2({ maxBufferedBytes: 64 * MIB }, { engine: { receiveBudgetBytes: 0 } });
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    // Nobody reads: more than the client allows and the node's engine takes, so that its socket keeps some too.
    peer.write(fill(Buffer.alloc(8 * MIB), 9)).catch(() => {});
    await eventually(() => node.stats().bufferedBytes > 0);
    await quiet();
    peer.reset();
    const check = new PatternCheck(9);
    const cut = expect(stream.drain((piece) => check.push(piece))).rejects.toThrow('TARGET_RESET');
    await cut;
    // The client had allowed 64 KiB; the rest of it came from the node.
    expect(check.bytes).toBeGreaterThan(65_536);
    await eventually(() => node.stats().streams === 0 && node.stats().lingering === 0);
  });

  test('a reset of the client is a reset to the target', async () => {
    const { client, node, events } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    stream.reset('ABORTED');
    expect(await peer.gone).toBe('reset');
    await eventually(() => node.stats().streams === 0);
    expect(events).toContainEqual(expect.objectContaining({ event: 'closed', code: 'ABORTED' }));
  });

  test('a code that nobody knows is told as a plain close', async () => {
    const { client, events } = await startLevel2();
    const target = await startTarget();
    const stream = client.open(target.port);
    const peer = await target.next();
    await stream.opened;
    stream.reset('<script>');
    await peer.gone;
    await eventually(() => events.some(({ event }) => event === 'closed'));
    expect(events.find(({ event }) => event === 'closed')).toMatchObject({ code: 'STREAM_CLOSED' });
  });

  test('a reset while the target is dialled gives the dial up', async () => {
    const { client, node } = await startLevel2({ lookup: () => new Promise(() => {}) });
    const stream = client.open(80, 'slow.example.org');
    await eventually(() => node.stats().opening === 1);
    stream.reset();
    await eventually(() => node.stats().opening === 0);
    expect(node.stats().streams).toBe(0);
  });
});

describe('dials that fail', () => {
  test.each([
    ['a closed port', 'DIAL_REFUSED', {}, async () => ['127.0.0.1', await closedPort()] as const],
    ['a private address', 'POLICY_DENIED', { allowPrivate: false }, async () => ['127.0.0.1', 80] as const],
    [
      'a name that does not exist',
      'DIAL_NAME_NOT_FOUND',
      { lookup: () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })) },
      async () => ['nowhere.example.org', 80] as const,
    ],
    ['what is no name', 'DIAL_NAME_NOT_FOUND', {}, async () => ['no name', 80] as const],
    [
      'one stream too many',
      'NODE_BUSY',
      { maxStreams: 1 },
      async () => ['127.0.0.1', (await startTarget()).port] as const,
    ],
  ])('%s is told as %s', async (_, code, options, where) => {
    const { client, events } = await startLevel2(options);
    const [host, port] = await where();
    if (code === 'NODE_BUSY') await client.open(port, host).opened;
    const stream = client.open(port, host);
    await stream.write('first bytes');
    expect(await stream.opened).toBe(code);
    expect(await stream.end).toBe(code);
    // What the engine refuses by its own bound is never opened.
    if (code !== 'NODE_BUSY') expect(events).toContainEqual(expect.objectContaining({ event: 'open-failed', code }));
  });

  test('a kind of stream that the node does not know is told so', async () => {
    const { client } = await startLevel2();
    expect(client.engine.open({ host: '127.0.0.1', port: 80, kind: 7 }, client.now())).toBe(0);
    const end = new Promise((resolve) => client.watch(0, resolve));
    client.wake();
    expect(await end).toMatchObject({ type: 'failed', code: 'UNSUPPORTED_OP' });
  });
});

describe('nobody waits for others', () => {
  test('a slow dial and a stalled target hold up nothing beside them', async () => {
    const { client } = await startLevel2({ lookup: () => new Promise(() => {}) });
    const slow = client.open(80, 'slow.example.org');
    const stalled = await startTarget({ paused: true });
    const stuck = client.open(stalled.port);
    const target = await startTarget();
    // More than the systems on the way and the engine's credit take.
    const written = stuck.write(Buffer.alloc(96 * MIB));
    const stream = client.open(target.port);
    const peer = await target.next();
    for (let turn = 0; turn < 20; turn++) {
      await stream.write('ping');
      expect(await peer.readText(4)).toBe('ping');
      await peer.write('pong');
      expect(await stream.readText(4)).toBe('pong');
    }
    expect(await isPending(slow.opened)).toBe(true);
    expect(await isPending(written)).toBe(true);
    const gone = expect(written).rejects.toThrow('gone');
    stuck.reset();
    await gone;
  });

  test('a client that does not read one stream reads the others', async () => {
    const { client } = await startLevel2();
    const target = await startTarget();
    const unread = client.open(target.port);
    const flooding = await target.next();
    await unread.opened;
    const sent = flooding.write(Buffer.alloc(64 * MIB));
    const stream = client.open(target.port);
    const peer = await target.next();
    for (let turn = 0; turn < 20; turn++) {
      await peer.write('pong');
      expect(await stream.readText(4)).toBe('pong');
    }
    expect(await isPending(sent)).toBe(true);
    sent.catch(() => {});
  });

  test('streams of both levels share what a node may hold', async () => {
    const { client, ...test } = await startLevel2({ maxStreams: 2 });
    const { target } = await openStream(test);
    expect(await client.open(target.port).opened).toBe('opened');
    expect(await client.open(target.port).opened).toBe('NODE_BUSY');
    expect(test.node.stats()).toMatchObject({ streams: 2, clients: 1 });
    const other = await addClient(test);
    expect(await other.open(target.port).opened).toBe('NODE_BUSY');
  });
});

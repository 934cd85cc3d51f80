import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { patternBytes, patternSha256 } from '../pattern/pattern.js';
import { PatternChecker, PatternError } from '../pattern/pattern-checker.js';
import { readAll } from '../read-all.js';
import { startTarget } from './start-target.js';
import type { Target, TargetOptions } from './types.js';

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function target<O extends TargetOptions>(options: O): Promise<Target<O>> {
  const started = await startTarget(options);
  cleanups.push(() => started.close());
  return started;
}

async function dial({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function exchange({ host, port }: { host: string; port: number }, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  cleanups.push(() => socket.close());
  socket.send(message, port, host);
  const [reply] = (await once(socket, 'message')) as [Buffer];
  return reply;
}

/** A DNS query with id 0xabcd and recursion desired. */
function query(name: string, type: number): Buffer {
  const header = Buffer.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, type, 0, 1])]);
}

describe('TCP targets', () => {
  test('an echo hands back every byte and ends after its client', async () => {
    const echo = await target({ kind: 'echo' });
    const socket = await dial(echo);
    const sent = patternBytes(3_000_000, 5);
    socket.end(sent);
    expect((await readAll(socket)).equals(sent)).toBe(true);
    const connection = await echo.connection(0);
    await connection.ended;
    expect(connection.bytesIn).toBe(sent.length);
    expect(await connection.closed).toEqual({});
  });

  test('a source sends its pattern and half-closes', async () => {
    const source = await target({ kind: 'source', bytes: 5_000_000, seed: 9 });
    const socket = await dial(source);
    const checker = new PatternChecker(9);
    socket.on('data', (chunk: Buffer) => checker.push(chunk));
    await once(socket, 'end');
    checker.end(5_000_000);
    socket.end();
    await (
      await source.next()
    ).ended;
  });

  test('a source that stays open does not end', async () => {
    const source = await target({ kind: 'source', bytes: 10, seed: 1, end: 'keep-open' });
    const socket = await dial(source);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.equals(patternBytes(10, 1))).toBe(true);
    const connection = await source.next();
    expect(connection.socket.writable).toBe(true);
    socket.end('still read');
    await connection.received(10);
    await connection.ended;
    expect(connection.socket.writable).toBe(true);
  });

  test('a source stops when its reader goes away', async () => {
    const source = await target({ kind: 'source', bytes: 1e12, seed: 1 });
    const socket = await dial(source);
    await once(socket, 'data');
    socket.resetAndDestroy();
    expect(await (await source.next()).closed).toHaveProperty('code');
  });

  test('a sink answers count and hash after the half-close', async () => {
    const sink = await target({ kind: 'sink', seed: 3 });
    const socket = await dial(sink);
    socket.end(patternBytes(1_234_567, 3));
    expect((await readAll(socket)).toString()).toBe(`1234567 ${patternSha256(1_234_567, 3)}\n`);
    expect(await (await sink.next()).result).toEqual({ bytes: 1_234_567, sha256: patternSha256(1_234_567, 3) });
  });

  test('a sink with a count answers without a half-close', async () => {
    const sink = await target({ kind: 'sink', seed: 3, bytes: 100 });
    const socket = await dial(sink);
    socket.write(patternBytes(100, 3));
    expect((await readAll(socket)).toString()).toBe(`100 ${patternSha256(100, 3)}\n`);
  });

  test('a sink resets on a wrong byte and names its offset', async () => {
    const sink = await target({ kind: 'sink', seed: 3 });
    const socket = await dial(sink);
    const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
    socket.resume();
    socket.write(Buffer.concat([patternBytes(50, 3), Buffer.from('wrong')]));
    const { result } = await sink.next();
    await expect(result).rejects.toBeInstanceOf(PatternError);
    await expect(result).rejects.toHaveProperty('offset', 50);
    expect((await failed)[0].code).toBe('ECONNRESET');
  });

  test('a sink whose client is cut rejects its result', async () => {
    const sink = await target({ kind: 'sink', seed: 3 });
    const socket = await dial(sink);
    socket.write(patternBytes(50, 3));
    const connection = await sink.next();
    await connection.received(50);
    socket.resetAndDestroy();
    await expect(connection.result).rejects.toThrow('after 50 bytes');
    await expect(connection.ended).rejects.toThrow('ECONNRESET');
    await expect(connection.received(51)).rejects.toThrow('gone');
    expect(await connection.closed).toEqual({ code: 'ECONNRESET' });
  });

  test('a target that half-closes first still reads', async () => {
    const first = await target({ kind: 'half-close-first', bytes: 70, seed: 2, expectSeed: 8 });
    const socket = await dial(first);
    expect((await readAll(socket)).equals(patternBytes(70, 2))).toBe(true);
    socket.end(patternBytes(900_000, 8));
    const connection = await first.next();
    expect(await connection.result).toEqual({ bytes: 900_000, sha256: patternSha256(900_000, 8) });
    expect(await connection.closed).toEqual({});
  });

  test('a resetting target resets once enough came in', async () => {
    const reset = await target({ kind: 'reset', sendBytes: 10, afterBytes: 20, seed: 4 });
    const socket = await dial(reset);
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.equals(patternBytes(10, 4))).toBe(true);
    const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
    socket.write(Buffer.alloc(10));
    await (await reset.connection(0)).received(10);
    socket.write(Buffer.alloc(10));
    expect((await failed)[0].code).toBe('ECONNRESET');
  });

  test('a greeter speaks first, then echoes', async () => {
    const greeter = await target({ kind: 'greeter', greeting: 'SSH-2.0-test\r\n' });
    const socket = await dial(greeter);
    socket.end('hello');
    expect((await readAll(socket)).toString()).toBe('SSH-2.0-test\r\nhello');
  });

  test('a silent target reads nothing', async () => {
    const silent = await target({ kind: 'silent' });
    const socket = await dial(silent);
    const connection = await silent.next();
    // More than the kernel buffers of both ends hold: it stops because nobody reads.
    let written = 0;
    while (socket.write(Buffer.alloc(1 << 20)) || socket.writableLength < 1 << 24) written += 1;
    expect(written).toBeGreaterThan(0);
    expect(connection.bytesIn).toBe(0);
    expect(connection.socket.bytesRead).toBe(0);
  });

  test('a manual target is driven by its test', async () => {
    const manual = await target({ kind: 'manual', host: '::1' });
    expect(manual.address).toBe(`[::1]:${manual.port}`);
    const socket = await dial(manual);
    const connection = await manual.next();
    connection.socket.end('bye');
    expect((await readAll(socket)).toString()).toBe('bye');
    expect(manual.connections).toHaveLength(1);
  });

  test('a closed target is gone with its connections, and who waits for one hears it', async () => {
    const echo = await target({ kind: 'echo' });
    const socket = await dial(echo);
    await echo.next();
    const never = echo.next();
    const closed = once(socket, 'close');
    socket.on('error', () => {}).resume();
    socket.once('end', () => socket.destroy());
    await echo.close();
    await echo.close();
    await closed;
    await expect(never).rejects.toThrow('connection 1 never came');
    const refused = connect(echo.port, echo.host);
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });
});

test('an unaccepting target leaves a connection hanging, and drops it when it closes', async () => {
  const unaccepting = await target({ kind: 'unaccepting' });
  const hanging = connect(unaccepting.port, unaccepting.host);
  cleanups.push(() => hanging.destroy());
  let connected = false;
  hanging.once('connect', () => {
    connected = true;
  });
  hanging.on('error', () => {});
  // Other connections are made and used meanwhile: whatever would have come would have come before them.
  const echo = await target({ kind: 'echo' });
  for (let i = 0; i < 50; i += 1) {
    const socket = await dial(echo);
    socket.end('x');
    await readAll(socket);
  }
  expect(connected).toBe(false);
  expect(hanging.connecting).toBe(true);
});

describe('UDP targets', () => {
  test('an echo sends each datagram back', async () => {
    const echo = await target({ kind: 'udp-echo' });
    const message = patternBytes(1200, 6);
    expect((await exchange(echo, message)).equals(message)).toBe(true);
    expect((await echo.datagram(0)).data.equals(message)).toBe(true);
    expect(echo.datagrams).toHaveLength(1);
  });

  test.each([
    ['A', 1, 'both.example', '7f000001'],
    ['AAAA', 28, 'BOTH.example', '20010db8000000000000000000000001'],
    ['TXT', 16, 'text.example', '0568656c6c6f'],
  ])('a DNS target answers %s', async (_name, type, name, data) => {
    const dns = await target({
      kind: 'dns',
      records: { 'both.example': ['127.0.0.1', '2001:db8::1'], 'text.example': ['hello'] },
    });
    const reply = await exchange(dns, query(name, type));
    expect(reply.readUInt16BE(0)).toBe(0xabcd);
    expect(reply.readUInt16BE(2)).toBe(0x8580);
    expect(reply.readUInt16BE(6)).toBe(1);
    expect(reply.toString('hex').endsWith(data)).toBe(true);
  });

  test('a DNS target denies names it does not have, and ignores what is no query', async () => {
    const dns = await target({ kind: 'dns', records: {} });
    const socket = createSocket('udp4');
    cleanups.push(() => socket.close());
    for (const junk of ['', 'junk', Buffer.alloc(11), query('x', 1).subarray(0, 14)]) {
      socket.send(junk, dns.port, dns.host);
    }
    const reply = await exchange(dns, query('unknown.example', 1));
    expect(reply.readUInt16BE(2) & 0xf).toBe(3);
    expect(reply.readUInt16BE(6)).toBe(0);
  });
});

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { ANSWER_BYTES, call, deriveKeys } from '@millrace/protocol/handshake';
import { patternBytes } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';

import type { ConnectOptions } from './connect.js';
import { decodeRetry, encodeHello, encodeOffer, helloClear } from './greeting.js';
import { loadAddon } from './native.js';
import type { ListenOptions, UdpHost } from './udp-host.js';
import { UdpSession } from './udp-session.js';

const keys = await deriveKeys(randomBytes(32));
const TIERS = (await loadAddon()) === undefined ? (['dgram'] as const) : (['dgram', 'mmsg', 'gso'] as const);

async function listen(options: ListenOptions = {}): Promise<UdpHost> {
  const host = await UdpSession.listen({ address: '127.0.0.1', privateKey: keys.privateKey, ...options });
  onTestFinished(() => host.close());
  return host;
}

async function connect(host: UdpHost, more: Partial<ConnectOptions> = {}): Promise<UdpSession> {
  const client = await UdpSession.connect({ ...host.local, publicKey: keys.publicKey, ...more });
  onTestFinished(() => client.close());
  return client;
}

async function rawSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket;
}

/** Sends a datagram and gives the next greeting that comes back. */
async function ask(socket: Socket, datagram: Uint8Array, host: UdpHost): Promise<Buffer> {
  const answer = new Promise<Buffer>((resolve) => {
    socket.on('message', (message) => {
      if ((message[0]! & 0xc0) === 0x80) resolve(message);
    });
  });
  socket.send(datagram, host.local.port, host.local.address);
  return answer;
}

describe('a recorded call', () => {
  const ID = 77;
  const isAnswer = (datagram: Buffer): boolean => datagram[0] === 0x82;

  async function record(socket: Socket, host: UdpHost): Promise<Uint8Array> {
    const cookie = decodeRetry(await ask(socket, encodeHello(ID), host), ID)!;
    const offer = encodeOffer(['aes-128-gcm']);
    const made = await call({ publicKey: keys.publicKey }, offer, helloClear(ID, cookie), randomBytes(64));
    return encodeHello(ID, { cookie, call: made.message });
  }

  test('gets the same answer again at its own address, and opens nothing again', async () => {
    const host = await listen();
    const socket = await rawSocket();
    const hello = await record(socket, host);
    const answer = await ask(socket, hello, host);
    expect([isAnswer(answer), answer.length]).toEqual([true, 3 + ANSWER_BYTES + 2]);
    expect((await ask(socket, hello, host)).equals(answer)).toBe(true);
    expect(host.sessions).toBe(1);
  });

  test('that is another one of the same caller takes the place of the first, and neither is told of before its keys were used', async () => {
    const host = await listen();
    const told: unknown[] = [];
    host.on('session', (session) => told.push(session));
    const socket = await rawSocket();
    for (let i = 0; i < 3; i++) {
      expect(isAnswer(await ask(socket, await record(socket, host), host))).toBe(true);
      expect([host.sessions, told.length]).toEqual([1, 0]);
    }
    await connect(host);
    expect(host.sessions).toBe(2);
  });

  test('opens nothing from elsewhere, with its cookie or with one that is good there', async () => {
    const host = await listen();
    const hello = await record(await rawSocket(), host);
    const other = await rawSocket();
    const retry = await ask(other, hello, host);
    expect(isAnswer(retry)).toBe(false);
    const stolen = encodeHello(ID, { cookie: decodeRetry(retry, ID)!, call: hello.subarray(27) });
    const came: Buffer[] = [];
    other.on('message', (datagram) => came.push(datagram));
    other.send(stolen, host.local.port, '127.0.0.1');
    // Who calls afterwards gets its session, so the stolen call was looked at.
    await connect(host);
    expect(host.sessions).toBe(1);
    expect(came).toEqual([]);
  });

  test('opens nothing after the host began anew', async () => {
    const first = await listen();
    const { port } = first.local;
    const socket = await rawSocket();
    const hello = await record(socket, first);
    await first.close();
    const second = await listen({ port });
    expect(isAnswer(await ask(socket, hello, second))).toBe(false);
    expect(second.sessions).toBe(0);
  });
});

test('a host that began anew takes calls at once; sessions of before it are over for their clients', async () => {
  const first = await listen();
  const { port } = first.local;
  const before = await connect(first, { session: { idleTimeoutMs: 1000 } });
  const closed = once(before, 'close') as Promise<[Error]>;
  await first.close();
  expect((await closed)[0]).toMatchObject({ code: 'SESSION_PEER_CLOSED' });
  const second = await listen({ port });
  const arriving = once(second, 'session') as Promise<[UdpSession]>;
  const after = await connect(second);
  const [atHost] = await arriving;
  const event = once(atHost, 'event');
  after.sendEvent(Buffer.from('again'));
  expect(Buffer.from((await event)[0] as Uint8Array).toString()).toBe('again');
});

describe.each(TIERS)('tier %s', (tier) => {
  test('sessions of one host keep apart, and a large frame arrives at each of them', async () => {
    const host = await listen({ tier });
    const sizes = [3_000_000, 2_000_000, 1_000_000];
    host.on('session', (session) => {
      session.on('event', (data) =>
        session.sendFrame(patternBytes(sizes[data[0]!]!, data[0]!), { deadlineMs: 30_000 }),
      );
    });
    const clients = await Promise.all(sizes.map(() => connect(host, { tier })));
    expect(host.sessions).toBe(3);
    const frames = clients.map(async (client, i) => {
      const frame = once(client, 'frame') as Promise<[{ data: Uint8Array }]>;
      client.sendEvent(Uint8Array.of(i));
      const [{ data }] = await frame;
      const isRight = Buffer.compare(data, patternBytes(sizes[i]!, i)) === 0;
      return isRight;
    });
    expect(await Promise.all(frames)).toEqual([true, true, true]);
  });

  test('a session that is closed while it sends ends both sides, and gives everything back', async () => {
    const host = await listen({ tier });
    const arriving = once(host, 'session') as Promise<[UdpSession]>;
    const client = await connect(host, { tier });
    const [atHost] = await arriving;
    const told = once(client, 'close') as Promise<[Error]>;
    for (let i = 0; i < 5; i++) atHost.sendFrame(patternBytes(1_000_000, i), { deadlineMs: 30_000 });
    await atHost.close(9);
    expect((await told)[0]).toMatchObject({ code: 'SESSION_PEER_CLOSED' });
    expect(host.sessions).toBe(0);
    expect(() => atHost.sendInput(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
  });

  test('IPv6 works, however the address is written', async () => {
    const host = await listen({ tier, address: '::1' });
    const client = await connect(host, { tier, address: '0:0:0:0:0:0:0:1' });
    expect(client.peer.address).toBe('::1');
  });
});

test('a caller sends no hello once it has its answer, whatever cookies come', async () => {
  // Stands between caller and host: the answer is held until a forged cookie has come, for which the caller may make another call.
  const host = await listen();
  const between = await rawSocket();
  const hellos: Buffer[] = [];
  let caller: { address: string; port: number } | undefined;
  between.on('message', (datagram, from) => {
    if (from.port !== host.local.port) {
      caller = { address: from.address, port: from.port };
      if (datagram[0] === 0x80) hellos.push(Buffer.from(datagram));
      between.send(datagram, host.local.port, '127.0.0.1');
      return;
    }
    if (datagram[0] === 0x82) {
      const forged = Buffer.concat([Buffer.of(0x81, 1, datagram[2]!), randomBytes(24)]);
      between.send(forged, caller!.port, '127.0.0.1');
    }
    between.send(datagram, caller!.port, '127.0.0.1');
  });
  const { port } = between.address();
  const client = await UdpSession.connect({ address: '127.0.0.1', port, publicKey: keys.publicKey });
  const arrived = hellos.length;
  const echo = once(client, 'event');
  const [atHost] = (await once(host, 'session')) as [UdpSession];
  atHost.sendEvent(Uint8Array.of(1));
  await echo;
  await client.close();
  expect(hellos.length).toBe(arrived);
});

test('the peer is told the code that close was given, and other codes are refused', async () => {
  const host = await listen();
  const arriving = once(host, 'session') as Promise<[UdpSession]>;
  const client = await connect(host);
  const [atHost] = await arriving;
  for (const code of [-1, 65_536, 1.5, 'x' as unknown as number]) {
    expect(() => client.close(code)).toThrow(expect.objectContaining({ code: 'SESSION_OPTION' }));
  }
  const told = once(atHost, 'close') as Promise<[Error]>;
  await client.close(4711);
  expect((await told)[0]).toMatchObject({ code: 'SESSION_PEER_CLOSED', peerCode: 4711 });
});

test('input goes from client to host, and from nobody else', async () => {
  const host = await listen();
  const arriving = once(host, 'session') as Promise<[UdpSession]>;
  const client = await connect(host);
  const [atHost] = await arriving;
  expect([atHost.role, client.role]).toEqual(['host', 'client']);
  const input = once(atHost, 'input');
  client.sendInput(Buffer.from('key down'));
  expect(Buffer.from((await input)[0] as Uint8Array).toString()).toBe('key down');
  expect(() => atHost.sendInput(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'SESSION_ROLE' }));
});

test('a sender that fills its memory goes on when it is told of room', async () => {
  const host = await listen();
  const arriving = once(host, 'session') as Promise<[UdpSession]>;
  const client = await connect(host, { session: { maxSendBytes: 2 ** 20 } });
  const [atHost] = await arriving;
  let whole = 0;
  const all = new Promise<void>((resolve) => {
    atHost.on('frame', (frame) => {
      expect(Buffer.compare(frame.data, patternBytes(200_000, frame.pts))).toBe(0);
      frame.release();
      if (++whole === 20) resolve();
    });
  });
  let refusals = 0;
  for (let i = 0; i < 20;) {
    try {
      client.sendFrame(patternBytes(200_000, i), { pts: i, deadlineMs: 30_000 });
      i++;
    } catch (error) {
      expect(error).toMatchObject({ code: 'SESSION_BUSY' });
      refusals++;
      await once(client, 'writable');
    }
  }
  await all;
  expect(refusals).toBeGreaterThan(0);
});

describe('options are refused with the one that is wrong in the message', () => {
  const where = { address: '127.0.0.1', port: 9, sharedKey: randomBytes(32) };
  test.each<[string, object]>([
    ['port', { port: undefined }],
    ['port', { port: 70_000 }],
    ['address', { address: 'localhost' }],
    ['sharedKey', { sharedKey: new Uint8Array(5) }],
    ['sharedKye', { sharedKye: randomBytes(32) }],
    ['publicKey', { sharedKey: undefined }],
    ['publicKey', { publicKey: 'abc' }],
    ['tier', { tier: 'fast' }],
    ['ciphers', { ciphers: ['rot13'] }],
    ['ciphers', { ciphers: [] }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['copyFrames', { copyFrames: 1 }],
    ['session', { session: null }],
    ['maxRate', { session: { maxRate: -1 } }],
    ['rate', { session: { rate: 1 } }],
    ['role', { keys: { role: 'host' } }],
  ])('connect: %s (%j)', async (name, wrong) => {
    const refused = expect.objectContaining({ code: 'SESSION_OPTION', message: expect.stringContaining(name) });
    await expect(UdpSession.connect({ ...where, ...wrong })).rejects.toEqual(refused);
  });

  test.each<[string, object]>([
    ['port', { port: 70_000 }],
    ['port', { port: '80' }],
    ['address', { address: 'localhost' }],
    ['sharedKey', { sharedKey: 'abc' }],
    ['privateKey', { privateKey: new Uint8Array(31) }],
    ['publicKey', { publicKey: randomBytes(32) }],
    ['tier', { tier: 'fast' }],
    ['maxSessions', { maxSessions: 300 }],
    ['reportMs', { session: { reportMs: Number.NaN } }],
  ])('listen: %s (%j)', async (name, wrong) => {
    const refused = expect.objectContaining({ code: 'SESSION_OPTION', message: expect.stringContaining(name) });
    await expect(UdpSession.listen(wrong)).rejects.toEqual(refused);
  });
});

test('an address that is taken, or not of this machine, is told by its code', async () => {
  for (const tier of TIERS) {
    const host = await listen({ tier });
    const again = UdpSession.listen({ ...host.local, tier });
    await expect(again).rejects.toMatchObject({ name: 'SessionError', code: 'ADDRESS_IN_USE' });
    const elsewhere = UdpSession.listen({ address: '192.0.2.1', tier });
    await expect(elsewhere).rejects.toMatchObject({ code: 'ADDRESS_UNAVAILABLE' });
  }
});

test.each(TIERS.filter((tier) => tier !== 'dgram'))(
  'tier %s: what overruns the buffer of the system is counted, and sent again',
  async (tier) => {
    const host = await listen({ tier });
    const arriving = once(host, 'session') as Promise<[UdpSession]>;
    // Four times what the buffer holds, all in one turn: nobody reads meanwhile.
    const client = await connect(host, { tier, session: { paced: false } });
    const [atHost] = await arriving;
    const frame = once(atHost, 'frame') as Promise<[{ data: Uint8Array }]>;
    const sent = patternBytes(16_000_000, 1);
    client.sendFrame(sent, { deadlineMs: 60_000 });
    expect(Buffer.compare((await frame)[0].data, sent)).toBe(0);
    const { packetsOverrun, shardsRetransmitted } = atHost.stats();
    // What the system has joined counts as one.
    expect(packetsOverrun).toBeGreaterThan(100);
    expect(shardsRetransmitted).toBeGreaterThan(1000);
  },
);

test('a flooded socket keeps neither timers nor a session on another socket from their turn', async () => {
  const flooded = await listen();
  const quiet = await listen();
  quiet.on('session', (session) => session.on('event', (data) => session.sendEvent(data)));
  const client = await connect(quiet);
  // From a thread of its own: it does not wait for this one.
  const flood = new Worker(FLOOD, { eval: true, workerData: flooded.local.port });
  onTestFinished(async () => void (await flood.terminate()));
  await once(flood, 'message');
  const state = { ticks: 0 };
  const ticking = setInterval(() => state.ticks++, 1);
  onTestFinished(() => clearInterval(ticking));
  for (let i = 0; i < 50; i++) {
    const echo = once(client, 'event');
    client.sendEvent(Uint8Array.of(i));
    expect([...((await echo)[0] as Uint8Array)]).toEqual([i]);
  }
  while (state.ticks < 10) await once(flood, 'message');
  expect(flooded.sessions).toBe(0);
});

const FLOOD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const socket = require('node:dgram').createSocket('udp4');
  const garbage = new Uint8Array(1200).fill(0x41);
  const burst = () => {
    let left = 64;
    const sent = () => { if (--left === 0) { parentPort.postMessage('burst'); setImmediate(burst); } };
    for (let i = 0; i < 64; i++) socket.send(garbage, workerData, '127.0.0.1', sent);
  };
  burst();
`;

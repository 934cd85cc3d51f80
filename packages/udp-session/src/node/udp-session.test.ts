import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { deriveKeys } from '@millrace/protocol/handshake';
import { patternBytes } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';

import { UdpSession } from './udp-session.js';
import type { ConnectOptions } from './connect.js';
import { loadAddon } from './native.js';
import type { ListenOptions, UdpHost } from './udp-host.js';

const keys = await deriveKeys(randomBytes(32));
const addon = await loadAddon();
const TIERS = addon === undefined ? (['dgram'] as const) : (['dgram', 'mmsg', 'gso'] as const);
const PAIRS = TIERS.flatMap((host) => TIERS.map((client) => ({ host, client })));

async function open(
  listen: ListenOptions = {},
  connect: Partial<ConnectOptions> = {},
): Promise<{ host: UdpHost; client: UdpSession; atHost: UdpSession }> {
  const host = await UdpSession.listen({ address: '127.0.0.1', privateKey: keys.privateKey, ...listen });
  onTestFinished(() => host.close());
  const arriving = once(host, 'session') as Promise<[UdpSession]>;
  const { address, port } = host.local;
  const client = await UdpSession.connect({ address, port, publicKey: keys.publicKey, ...connect });
  onTestFinished(() => client.close());
  const [atHost] = await arriving;
  return { host, client, atHost };
}

describe.each(PAIRS)('host $host, client $client', (tier) => {
  test('frames, events and datagrams arrive in both directions, every byte', async () => {
    const { client, atHost } = await open({ tier: tier.host }, { tier: tier.client });
    expect(atHost.stats().tier).toBe(tier.host);
    expect(client.stats().tier).toBe(tier.client);
    for (const [from, to] of [
      [atHost, client],
      [client, atHost],
    ] as const) {
      const sent = Array.from({ length: 20 }, (_, i) => patternBytes(i * 5000, i));
      const got = new Map<number, Buffer>();
      const all = new Promise<void>((resolve) => {
        to.on('frame', (frame) => {
          expect(frame.pts).toBe(frame.index * 1000);
          got.set(frame.index, Buffer.from(frame.data));
          frame.release();
          if (got.size === sent.length) resolve();
        });
      });
      for (const [i, frame] of sent.entries()) from.sendFrame(frame, { pts: i * 1000, deadlineMs: 20_000 });
      await all;
      for (const [i, frame] of sent.entries()) expect(got.get(i)!.equals(frame)).toBe(true);
      const event = once(to, 'event');
      from.sendEvent(Buffer.from('an event'));
      expect(Buffer.from((await event)[0] as Uint8Array).toString()).toBe('an event');
      const datagram = once(to, 'datagram');
      from.sendDatagram(Buffer.from('a datagram'));
      expect(Buffer.from((await datagram)[0] as Uint8Array).toString()).toBe('a datagram');
    }
  });
});

test('the end of one side is told to the other', async () => {
  const { host, client, atHost } = await open();
  const closed = once(atHost, 'close') as Promise<[Error]>;
  await client.close(5);
  expect((await closed)[0]).toMatchObject({ code: 'SESSION_PEER_CLOSED' });
  expect(host.sessions).toBe(0);
  expect(() => client.sendFrame(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
});

test('each cipher can be had, and a shared key does without a pinned one', async () => {
  const sharedKey = randomBytes(32);
  for (const cipher of ['aes-128-gcm', 'chacha20-poly1305'] as const) {
    const way = { privateKey: undefined, publicKey: undefined, sharedKey };
    const { client, atHost } = await open(way, { ...way, ciphers: [cipher] });
    const event = once(atHost, 'event');
    client.sendEvent(Buffer.from(cipher));
    expect(Buffer.from((await event)[0] as Uint8Array).toString()).toBe(cipher);
  }
});

test('keys from elsewhere need no handshake', async () => {
  const host = await UdpSession.listen({ address: '127.0.0.1' });
  onTestFinished(() => host.close());
  const [a, b] = [randomBytes(32), randomBytes(32)];
  const cipher = 'aes-128-gcm';
  const client = await UdpSession.connect({
    ...host.local,
    keys: { cipher, sendSecret: a, receiveSecret: b, localId: 1, peerId: 2 },
  });
  onTestFinished(() => client.close());
  // Where the client is has yet to be seen: the host learns it from the first packet.
  const mirror = { cipher, sendSecret: b, receiveSecret: a, localId: 2, peerId: 1 } as const;
  const atHost = host.add(mirror, { address: '127.0.0.1', port: 9 });
  expect(() => host.add(mirror, { address: '127.0.0.1', port: 9 })).toThrow('taken');
  const path = once(atHost, 'path');
  const event = once(atHost, 'event');
  client.sendEvent(Buffer.from('here'));
  await event;
  await path;
  const back = once(client, 'event');
  atHost.sendEvent(Buffer.from('there'));
  expect(Buffer.from((await back)[0] as Uint8Array).toString()).toBe('there');
});

test('frames may be had as copies, which need no release', async () => {
  const small = { maxReceiveBytes: 2 ** 20 };
  const { client, atHost } = await open({}, { copyFrames: true, session: small });
  const got: Uint8Array[] = [];
  const all = new Promise<void>((resolve) => {
    client.on('frame', (frame) => {
      got[frame.index] = frame.data;
      if (got.length < 30) atHost.sendFrame(patternBytes(100_000, got.length), { deadlineMs: 20_000 });
      else resolve();
    });
  });
  atHost.sendFrame(patternBytes(100_000, 0), { deadlineMs: 20_000 });
  await all;
  for (const [i, data] of got.entries()) expect(Buffer.compare(data, patternBytes(100_000, i))).toBe(0);
});

test('a flooded socket keeps neither timers nor sessions from their turn', async () => {
  const { host, client, atHost } = await open();
  atHost.on('event', (data) => atHost.sendEvent(data));
  const flood = createSocket('udp4');
  onTestFinished(() => void flood.close());
  const state = { over: false };
  const garbage = new Uint8Array(1200).fill(0x41);
  const send = (): Promise<unknown> =>
    new Promise((resolve) => flood.send(garbage, host.local.port, '127.0.0.1', resolve));
  const flooding = (async () => {
    while (!state.over) {
      await Promise.all(Array.from({ length: 64 }, send));
      await nextTurn();
    }
  })();
  for (let i = 0; i < 20; i++) {
    const echo = once(client, 'event');
    client.sendEvent(Uint8Array.of(i));
    expect([...((await echo)[0] as Uint8Array)]).toEqual([i]);
  }
  // A timer of somebody else, while it goes on.
  await new Promise((resolve) => setTimeout(resolve, 1));
  state.over = true;
  await flooding;
});

test('an unproven address gets less than it sends, and the host remembers nothing of it', async () => {
  const host = await UdpSession.listen({ address: '127.0.0.1', privateKey: keys.privateKey });
  onTestFinished(() => host.close());
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  const hello = new Uint8Array(1200);
  hello.set([0x80, 1, 77]);
  const answer = once(socket, 'message') as Promise<[Buffer]>;
  // Garbage of all kinds first: none of it is answered.
  for (const bad of [hello.subarray(0, 1199), new Uint8Array(1200), new Uint8Array(0), Uint8Array.of(0x40, 3)]) {
    socket.send(bad, host.local.port, '127.0.0.1');
  }
  socket.send(hello, host.local.port, '127.0.0.1');
  const [retry] = await answer;
  expect([...retry.subarray(0, 3)]).toEqual([0x81, 1, 77]);
  expect(retry.length).toBe(27);
  expect(host.sessions).toBe(0);
});

test('a host with another key does not answer, and the caller gives up', async () => {
  const host = await UdpSession.listen({ address: '127.0.0.1', privateKey: keys.privateKey });
  onTestFinished(() => host.close());
  const other = await deriveKeys(randomBytes(32));
  const call = UdpSession.connect({ ...host.local, publicKey: other.publicKey, timeoutMs: 300 });
  await expect(call).rejects.toMatchObject({ code: 'SESSION_TIMEOUT' });
  expect(host.sessions).toBe(0);
});

test('options are checked before a socket is left open', async () => {
  const where = { address: '127.0.0.1', port: 9 };
  const refused = { code: 'SESSION_OPTION' };
  await expect(UdpSession.connect(where)).rejects.toMatchObject(refused);
  await expect(UdpSession.listen({ maxSessions: 300 })).rejects.toMatchObject(refused);
  await expect(UdpSession.listen({ address: '192.0.2.1' })).rejects.toThrow(/EADDRNOTAVAIL|address/i);
  await expect(UdpSession.listen({ address: '192.0.2.1', tier: 'dgram' })).rejects.toThrow('EADDRNOTAVAIL');
});

import type { Socket as UdpSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Arrivals } from '@millrace/testkit';
import type { Application } from '../../../test/proxy/application.js';
import { connectTo } from '../../../test/proxy/application.js';
import { LOOPBACKS } from '../../../test/proxy/loopback.js';
import type { FakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import { fakeTunnel } from '../../../test/proxy/fake-tunnel.js';
import type { Datagram } from './datagram.js';
import { decodeDatagram, encodeDatagram } from './datagram.js';
import { decodeAddress } from './address.js';
import { startSocks5 } from './server.js';

let tunnel: FakeTunnel;
let closers: Array<() => Promise<void> | void>;

beforeEach(() => {
  tunnel = fakeTunnel();
  closers = [];
});

afterEach(async () => {
  for (const close of closers) await close();
});

interface Peer {
  socket: UdpSocket;
  port: number;
  received: Arrivals<Datagram>;
  send(to: number, datagram: Datagram | Buffer): Promise<void>;
}

async function peer(address = '127.0.0.1'): Promise<Peer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const received = new Arrivals<Datagram>('reply');
  socket.on('message', (bytes) => received.push(decodeDatagram(bytes)!));
  socket.bind(0, address);
  await once(socket, 'listening');
  closers.unshift(() => void socket.close());
  const send = (to: number, datagram: Datagram | Buffer) =>
    new Promise<void>((resolve, reject) => {
      const bytes = Buffer.isBuffer(datagram) ? datagram : encodeDatagram(datagram);
      socket.send(bytes, to, address.includes(':') ? '::1' : '127.0.0.1', (error) =>
        error ? reject(error) : resolve(),
      );
    });
  return { socket, port: socket.address().port, received, send };
}

async function associate(port = 0, listen = '127.0.0.1:0'): Promise<{ app: Application; relay: number; host: string }> {
  const proxy = await startSocks5(tunnel, { listen });
  const app = await connectTo(proxy.address);
  closers.push(() => proxy.close());
  app.write(Buffer.concat([Buffer.from([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, port >> 8, port & 255])]));
  const head = await app.read(6);
  expect([...head.subarray(0, 5)]).toEqual([5, 0, 5, 0, 0]);
  const rest = await app.read(head[5] === 1 ? 6 : 18);
  const address = decodeAddress(Buffer.concat([head.subarray(5), rest]), 0)!;
  return { app, relay: address.port, host: address.host };
}

const query: Datagram = { host: 'dns.example.org', port: 53, data: Buffer.from('question') };

test('datagrams go both ways, names as they are, and replies carry their source', async () => {
  const { relay, host } = await associate();
  expect(host).toBe('127.0.0.1');
  const program = await peer();
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  expect(await udp.sent.next()).toEqual(query);
  udp.deliver({ host: '192.0.2.53', port: 53, data: Buffer.from('answer') });
  expect(await program.received.next()).toEqual({ host: '192.0.2.53', port: 53, data: Buffer.from('answer') });
  udp.deliver({ host: '2001:db8::1', port: 5353, data: Buffer.alloc(0) });
  expect(await program.received.next()).toEqual({ host: '2001:db8::1', port: 5353, data: Buffer.alloc(0) });
});

test.each(LOOPBACKS)('works at %s', async (loopback) => {
  const local = loopback.replace(/[[\]]/g, '');
  const { relay, host } = await associate(0, `${loopback}:0`);
  expect(host).toBe(local);
  const program = await peer(local);
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  expect(await udp.sent.next()).toEqual(query);
  udp.deliver(query);
  expect(await program.received.next()).toEqual(query);
});

test('datagrams of another address are dropped', async () => {
  const { relay } = await associate();
  const stranger = await peer('127.0.0.2');
  await stranger.send(relay, { ...query, data: Buffer.from('stranger') });
  const program = await peer();
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  expect((await udp.sent.next()).data.toString()).toBe('question');
});

test('datagrams of another port than the first are dropped', async () => {
  const { relay } = await associate();
  const program = await peer();
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  await udp.sent.next();
  const stranger = await peer();
  await stranger.send(relay, { ...query, data: Buffer.from('stranger') });
  await program.send(relay, { ...query, data: Buffer.from('again') });
  expect((await udp.sent.next()).data.toString()).toBe('again');
});

test('a port named in the request is the only one', async () => {
  const program = await peer();
  const { relay } = await associate(program.port);
  const stranger = await peer();
  await stranger.send(relay, { ...query, data: Buffer.from('stranger') });
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  expect((await udp.sent.next()).data.toString()).toBe('question');
});

test('fragments and broken datagrams are dropped, and do not claim the association', async () => {
  const { relay } = await associate();
  const stranger = await peer();
  await stranger.send(relay, Buffer.from([0, 0, 0]));
  const program = await peer();
  const fragment = encodeDatagram({ ...query, data: Buffer.from('fragment') });
  fragment[2] = 1;
  await program.send(relay, fragment);
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  expect((await udp.sent.next()).data.toString()).toBe('question');
});

test('a burst that is over before anything is read of it gets through whole', async () => {
  const { relay } = await associate();
  const program = await peer();
  const udp = await tunnel.associations.next();
  // More than the 166 of this size that the usual room of Linux holds. Each is with the system when `send` returns.
  const sent = Array.from({ length: 250 }, (_, n) => ({ ...query, data: Buffer.alloc(500, n) }));
  await Promise.all(sent.map((datagram) => program.send(relay, datagram)));
  for (const datagram of sent) expect(await udp.sent.next()).toEqual(datagram);
});

test('the association ends with its TCP connection', async () => {
  const { app } = await associate();
  const udp = await tunnel.associations.next();
  app.socket.end();
  await udp.closed;
  expect(await app.over).toBe('end');
});

test('the association ends when its TCP connection is reset', async () => {
  const { app } = await associate();
  const udp = await tunnel.associations.next();
  app.socket.resetAndDestroy();
  await udp.closed;
});

test('the TCP connection ends when the association fails', async () => {
  const { app } = await associate();
  const udp = await tunnel.associations.next();
  udp.fail('RELAY_OFFLINE');
  expect(await app.over).toBe('end');
  await udp.closed;
});

test('closing the proxy ends associations', async () => {
  const { app } = await associate();
  const udp = await tunnel.associations.next();
  await closers.pop()?.();
  await udp.closed;
  expect(await app.over).toBe('ECONNRESET');
});

test('what the program sends on the TCP connection is thrown away', async () => {
  const { app, relay } = await associate();
  app.write('noise');
  const program = await peer();
  await program.send(relay, query);
  const udp = await tunnel.associations.next();
  expect(await udp.sent.next()).toEqual(query);
});

test('an association that cannot be opened is answered with a failure', async () => {
  tunnel.udp = () => Promise.reject(new Error('no'));
  const proxy = await startSocks5(tunnel, { listen: '127.0.0.1:0' });
  closers.push(() => proxy.close());
  const app = await connectTo(proxy.address);
  app.write(Buffer.from([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
  expect([...(await app.readToEnd()).subarray(2, 4)]).toEqual([5, 1]);
});

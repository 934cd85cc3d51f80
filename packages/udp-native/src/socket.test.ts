import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { afterEach, describe, expect, test } from 'vitest';

import { built, loadBuilt, needsBuild } from '../test/addon.js';
import { Random } from '../test/random.js';
import { Collector, outcomes, outgoing } from '../test/sockets.js';
import { ADDRESS_BYTES } from './address.js';
import type { NativeError } from './error.js';
import type { NativeAddon } from './load.js';
import { SOCKET_ROW_WORDS, type NativeSocket, type SocketOptions, type Tier } from './socket.js';

const TIERS: readonly Tier[] = ['gso', 'mmsg'];

describe.skipIf(!built)(`sockets ${needsBuild}`, () => {
  const open: NativeSocket[] = [];
  const addon = (): NativeAddon => loadBuilt();
  const openSocket = (options: SocketOptions = {}): NativeSocket => {
    const socket = addon().openSocket({ address: '127.0.0.1', ...options });
    open.push(socket);
    return socket;
  };
  const collect = (options?: SocketOptions, room?: ConstructorParameters<typeof Collector>[2]): Collector => {
    const collector = new Collector(addon(), options, room);
    open.push(collector.socket);
    return collector;
  };
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
  });

  describe.each(TIERS)('from %s', (from) => {
    test.each(TIERS)('to %s: packets of mixed sizes to two receivers arrive whole and in their order', async (to) => {
      const random = new Random(7);
      const sender = openSocket({ tier: from });
      const receivers = [collect({ tier: to }), collect({ tier: to })];
      const packets = Array.from({ length: 600 }, (_, i) =>
        random.bytes(i < 300 ? 1200 : random.pick([0, 1, 100, 1200, 1200, 1200, 1472, 2047])),
      );
      // Long runs to one receiver, and some by turns.
      const { slab, rows, addresses } = outgoing(
        packets,
        receivers.map(({ socket }) => socket.address.port),
      );
      for (let i = 0; i < 500; i++) rows[i * SOCKET_ROW_WORDS + 2] = i < 100 || (i > 200 && i < 400) ? 0 : 1;
      expect(sender.send(slab, rows, packets.length, addresses)).toBe(packets.length);
      expect(outcomes(rows).every((outcome) => outcome === 0)).toBe(true);
      for (const [index, receiver] of receivers.entries()) {
        const expected = packets.filter((_, i) => rows[i * SOCKET_ROW_WORDS + 2] === index);
        await receiver.have(expected.length);
        expect(receiver.packets.length).toBe(expected.length);
        for (const [i, packet] of receiver.packets.entries()) {
          expect(Buffer.compare(packet.data, expected[i]!)).toBe(0);
          expect(packet.port).toBe(sender.address.port);
        }
      }
      const stats = sender.stats();
      expect(stats.packetsSent).toBe(packets.length);
      expect(stats.bytesSent).toBe(slab.length);
      expect(stats.tier).toBe(from);
      expect(receivers[0]!.socket.stats().packetsReceived + receivers[1]!.socket.stats().packetsReceived).toBe(600);
    });

    test('a packet gathered from anywhere in the slab is what is sent, and a dgram socket gets it', async () => {
      const plain = createSocket('udp4');
      plain.bind(0, '127.0.0.1');
      await once(plain, 'listening');
      const got: Buffer[] = [];
      const all = new Promise<void>((resolve) => {
        plain.on('message', (data) => {
          if (got.push(data) === 20) resolve();
        });
      });
      const sender = openSocket({ tier: from });
      const random = new Random(8);
      const packets = Array.from({ length: 20 }, () => random.bytes(900));
      const { slab, rows, addresses } = outgoing(packets, [plain.address().port]);
      // Last first: no two lie one behind the other.
      const reversed = new Uint32Array(rows.length);
      for (let i = 0; i < 20; i++) reversed.set(rows.subarray(i * 4, i * 4 + 4), (19 - i) * 4);
      expect(sender.send(slab, reversed, 20, addresses)).toBe(20);
      await all;
      expect(Buffer.compare(Buffer.concat(got.toReversed()), slab)).toBe(0);
      plain.close();
    });
  });

  test('what a dgram socket sends is received with its address', async () => {
    const receiver = collect();
    const plain = createSocket('udp4');
    plain.bind(0, '127.0.0.1');
    await once(plain, 'listening');
    plain.send('hello', receiver.socket.address.port, '127.0.0.1');
    await receiver.have(1);
    expect(receiver.packets).toEqual([{ data: Buffer.from('hello'), port: plain.address().port }]);
    plain.close();
  });

  test('received rows can be sent back as they are', async () => {
    const peer = collect();
    const echo = openSocket();
    const slab = new Uint8Array(4 * echo.slotBytes);
    const rows = new Uint32Array(256 * SOCKET_ROW_WORDS);
    const addresses = new Uint8Array(4 * ADDRESS_BYTES);
    echo.receive(slab, rows, addresses, (count) => echo.send(slab, rows, count, addresses));
    const packets = Array.from({ length: 50 }, (_, i) => new Random(i).bytes(1000));
    const out = outgoing(packets, [echo.address.port]);
    peer.socket.send(out.slab, out.rows, 50, out.addresses);
    await peer.have(50);
    expect(Buffer.compare(Buffer.concat(peer.packets.map(({ data }) => data)), out.slab)).toBe(0);
  });

  test('an IPv6 socket reaches IPv6, and IPv4 under its own form', async () => {
    const six = collect({ address: '::' });
    const four = collect();
    const sender = openSocket({ address: '::1' });
    const out = outgoing([Buffer.from('six')], [six.socket.address.port], '::1');
    expect(sender.send(out.slab, out.rows, 1, out.addresses)).toBe(1);
    await six.have(1);
    expect(six.packets[0]!.data.toString()).toBe('six');
    expect(six.addresses[0]).toBe(6);
    const mapped = outgoing([Buffer.from('four')], [four.socket.address.port]);
    expect(six.socket.send(mapped.slab, mapped.rows, 1, mapped.addresses)).toBe(1);
    await four.have(1);
    expect(four.packets[0]).toEqual({ data: Buffer.from('four'), port: six.socket.address.port });
    const back = outgoing([Buffer.from('back')], [six.socket.address.port]);
    four.socket.send(back.slab, back.rows, 1, back.addresses);
    await six.have(2);
    expect([...six.addresses.subarray(0, 8)]).toEqual([4, 0, ...six.addresses.subarray(2, 4), 127, 0, 0, 1]);
  });

  test.each(TIERS)('%s: packets over the limit are dropped and counted, those at the limit are not', async (tier) => {
    const receiver = collect({ tier, maxPacketBytes: 1000 });
    const sender = openSocket({ tier: 'mmsg' });
    const packets = [999, 1001, 1000, 5000, 1].map((length) => new Uint8Array(length).fill(length & 255));
    const { slab, rows, addresses } = outgoing(packets, [receiver.socket.address.port]);
    sender.send(slab, rows, packets.length, addresses);
    await receiver.have(3);
    expect(receiver.packets.map(({ data }) => data.length)).toEqual([999, 1000, 1]);
    expect(receiver.socket.stats().truncated).toBe(2);
  });

  test('a batch with more packets than rows is given in several calls', async () => {
    const receiver = collect({}, { rows: 7 });
    const packets = Array.from({ length: 60 }, (_, i) => new Uint8Array(500).fill(i));
    const { slab, rows, addresses } = outgoing(packets, [receiver.socket.address.port]);
    openSocket().send(slab, rows, 60, addresses);
    await receiver.have(60);
    expect(Buffer.compare(Buffer.concat(receiver.packets.map(({ data }) => data)), slab)).toBe(0);
    expect(Math.max(...receiver.batches)).toBe(7);
  });

  test('a flooded socket takes at most four batches a turn, so that timers and other sockets get theirs', async () => {
    const receiver = collect({ tier: 'mmsg' }, { slots: 4 });
    const packets = Array.from({ length: 200 }, () => new Uint8Array(100));
    const { slab, rows, addresses } = outgoing(packets, [receiver.socket.address.port]);
    openSocket().send(slab, rows, 200, addresses);
    let seen = 0;
    const perTurn: number[] = [];
    while (receiver.packets.length < 200) {
      await new Promise((resolve) => setImmediate(resolve));
      perTurn.push(receiver.batches.length - seen);
      seen = receiver.batches.length;
    }
    expect(Math.max(...perTurn)).toBe(4);
    expect(receiver.batches).toEqual(Array.from({ length: 50 }, () => 4));
  });

  test('a paused socket leaves packets in the kernel and gets them when it receives again', async () => {
    const receiver = collect();
    receiver.socket.pause();
    const packets = Array.from({ length: 30 }, (_, i) => new Uint8Array(700).fill(i));
    const { slab, rows, addresses } = outgoing(packets, [receiver.socket.address.port]);
    openSocket().send(slab, rows, 30, addresses);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(receiver.packets).toEqual([]);
    receiver.receive();
    await receiver.have(30);
    expect(Buffer.compare(Buffer.concat(receiver.packets.map(({ data }) => data)), slab)).toBe(0);
  });

  test('what finds no room in the buffer of the kernel is counted, also after close', async () => {
    const receiver = collect({ bufferBytes: 4096 });
    receiver.socket.pause();
    const sender = openSocket({ tier: 'mmsg' });
    const count = 300;
    const { slab, rows, addresses } = outgoing(
      Array.from({ length: count }, () => new Uint8Array(1000)),
      [receiver.socket.address.port],
    );
    expect(sender.send(slab, rows, count, addresses)).toBe(count);
    receiver.receive();
    const dropped = (): number => receiver.socket.stats().dropped;
    while (receiver.packets.length + dropped() < count) await new Promise((next) => setImmediate(next));
    expect(receiver.packets.length).toBeGreaterThan(0);
    expect(dropped()).toBe(count - receiver.packets.length);
    receiver.socket.close();
    expect(dropped()).toBe(count - receiver.packets.length);
    expect(sender.stats().dropped).toBe(0);
  });

  test('closing and pausing in the middle of a batch end it there', async () => {
    for (const end of ['close', 'pause'] as const) {
      const socket = openSocket();
      const slab = new Uint8Array(2 * socket.slotBytes);
      const rows = new Uint32Array(2 * SOCKET_ROW_WORDS);
      let calls = 0;
      const called = new Promise<void>((resolve) => {
        socket.receive(slab, rows, new Uint8Array(2 * ADDRESS_BYTES), () => {
          calls++;
          socket[end]();
          resolve();
        });
      });
      const packets = Array.from({ length: 20 }, () => new Uint8Array(100));
      const out = outgoing(packets, [socket.address.port]);
      openSocket().send(out.slab, out.rows, 20, out.addresses);
      await called;
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(calls).toBe(1);
    }
  });

  test('a receiver put in place by the one before gets only what arrives after the batch', async () => {
    const socket = openSocket();
    const sender = openSocket();
    const slab = new Uint8Array(2 * socket.slotBytes);
    const addresses = new Uint8Array(2 * ADDRESS_BYTES);
    let first = 0;
    const second = new Promise<number>((resolve) => {
      socket.receive(slab, new Uint32Array(SOCKET_ROW_WORDS), addresses, () => {
        first++;
        socket.receive(slab.slice(), new Uint32Array(99 * SOCKET_ROW_WORDS), addresses.slice(), resolve);
        sender.send(last.slab, last.rows, 1, last.addresses);
      });
    });
    const last = outgoing([new Uint8Array(10)], [socket.address.port]);
    const out = outgoing(
      Array.from({ length: 20 }, () => new Uint8Array(100)),
      [socket.address.port],
    );
    sender.send(out.slab, out.rows, 20, out.addresses);
    expect(await second).toBe(1);
    expect(first).toBe(1);
  });

  test('after close every call is refused but stats and close', () => {
    const socket = openSocket();
    const out = outgoing([new Uint8Array(10)], [socket.address.port]);
    socket.send(out.slab, out.rows, 1, out.addresses);
    socket.close();
    socket.close();
    socket.ref();
    socket.unref();
    expect(socket.stats().packetsSent).toBe(1);
    const calls = [
      () => socket.send(out.slab, out.rows, 1, out.addresses),
      () => socket.receive(new Uint8Array(1e6), out.rows, out.addresses, () => {}),
      () => socket.pause(),
    ];
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'NATIVE_CLOSED' }));
  });

  test('a port that is taken is an error with the number of the system', () => {
    const { port } = openSocket().address;
    let error: NativeError | undefined;
    try {
      openSocket({ port });
    } catch (thrown) {
      error = thrown as NativeError;
    }
    expect(error).toMatchObject({ name: 'NativeError', code: 'NATIVE_SYSTEM', errno: 98 });
    expect(error?.message).toMatch(/^bind failed/);
  });

  test('options that do not exist or do not fit are refused with their names', () => {
    for (const [options, code] of [
      [{ adress: '::' }, 'NATIVE_ARGUMENT'],
      [{ address: 'localhost' }, 'NATIVE_ARGUMENT'],
      [{ tier: 'dgram' }, 'NATIVE_ARGUMENT'],
      [{ port: 65_536 }, 'NATIVE_RANGE'],
      [{ maxPacketBytes: 0 }, 'NATIVE_RANGE'],
      [{ maxPacketBytes: 65_536 }, 'NATIVE_RANGE'],
      [{ bufferBytes: 2 ** 31 }, 'NATIVE_RANGE'],
      [{ bufferBytes: 1 }, 'NATIVE_RANGE'],
      [{ onWritable: 5 }, 'NATIVE_ARGUMENT'],
      [{ dontFragment: 1 }, 'NATIVE_ARGUMENT'],
    ] as const) {
      expect(() => openSocket(options as SocketOptions)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('rows that do not fit are refused before anything is sent', () => {
    const receiver = openSocket();
    const socket = openSocket();
    const packets = [new Uint8Array(100), new Uint8Array(100)];
    for (const bad of [
      [101, 100, 0],
      [200, 1, 0],
      [0xffff_ffff, 2, 0],
      [0, 0xffff_ffff, 0],
      [0, 65_488, 0],
      [0, 1, 1],
      [0, 1, 0xffff_ffff],
    ]) {
      const { slab, rows, addresses } = outgoing(packets, [receiver.address.port]);
      rows.set(bad, SOCKET_ROW_WORDS);
      expect(() => socket.send(slab, rows, 2, addresses)).toThrow(expect.objectContaining({ code: 'NATIVE_RANGE' }));
      expect(outcomes(rows)).toEqual([0xffff_ffff, 0xffff_ffff]);
    }
    const { slab, rows, addresses } = outgoing(packets, [receiver.address.port]);
    expect(() => socket.send(slab, rows, 3, addresses)).toThrow(/rows for 2/);
    addresses[0] = 6;
    expect(() => socket.send(slab, rows, 2, addresses)).toThrow(/family 6/);
    addresses[0] = 5;
    expect(() => socket.send(slab, rows, 2, addresses)).toThrow(/family 5/);
    expect(socket.stats().sendCalls).toBe(0);
  });

  test('a packet that the system refuses says why in its row, and the others are sent', async () => {
    const receiver = collect();
    const sender = openSocket();
    const big = new Uint8Array(65_487);
    const { slab, rows, addresses } = outgoing(
      [new Uint8Array(10).fill(1), new Uint8Array(20).fill(2), big.fill(3), new Uint8Array(30).fill(4)],
      [receiver.socket.address.port, 0],
    );
    // Port 0 cannot be sent to; the big one is over the largest packet of the receiver.
    for (let i = 0; i < 4; i++) rows[i * SOCKET_ROW_WORDS + 2] = i === 1 ? 1 : 0;
    expect(sender.send(slab, rows, 4, addresses)).toBe(4);
    expect(outcomes(rows)).toEqual([0, 22, 0, 0]);
    await receiver.have(2);
    expect(receiver.packets.map(({ data }) => data.length)).toEqual([10, 30]);
    expect(sender.stats()).toMatchObject({ refused: 1, packetsSent: 3 });
  });
});

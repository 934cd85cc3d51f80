import { constants } from 'node:os';

import { afterEach, describe, expect, test } from 'vitest';

import { built, loadFaulty, needsBuild, type FakeCalls, type SentMessage } from '../test/addon.js';
import { Random } from '../test/random.js';
import { Collector, outcomes, outgoing } from '../test/sockets.js';
import type { NativeSocket, SocketOptions } from './socket.js';

const { EINTR, EAGAIN, ENOBUFS, EIO, EINVAL, EMSGSIZE, ENETUNREACH, EPERM, ECONNREFUSED, ENOPROTOOPT } =
  constants.errno;
const SECOND = 1e9;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

const equal = (count: number, length = 100): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => new Uint8Array(length).fill(i));

/** A kernel that takes messages as its script says, one answer per call, and then takes all. */
class FakeKernel {
  readonly calls: SentMessage[][] = [];
  readonly taken: Uint8Array[] = [];
  readonly #script: Array<number | number[] | ((messages: SentMessage[]) => number)>;
  clock = 0;

  constructor(...script: Array<number | number[] | ((messages: SentMessage[]) => number)>) {
    this.#script = script;
  }

  readonly send = (messages: SentMessage[]): number | number[] => {
    this.calls.push(messages);
    const step = this.#script.shift() ?? messages.length;
    const answer = typeof step === 'function' ? step(messages) : step;
    const count = typeof answer === 'number' ? answer : answer.length;
    for (let i = 0; i < count; i++) this.taken.push(messages[i]!.data);
    return answer;
  };

  readonly now = (): number => this.clock;

  /** Packets per message of each call. */
  shape(): number[][] {
    return this.calls.map((messages) =>
      messages.map(({ data, segmentBytes }) => (segmentBytes === 0 ? 1 : Math.ceil(data.length / segmentBytes))),
    );
  }
}

describe.skipIf(!built)(`what a kernel may do ${needsBuild}`, () => {
  const open: NativeSocket[] = [];
  const faulty = built ? loadFaulty() : undefined;
  const openSocket = (options: SocketOptions = {}): NativeSocket => {
    const socket = faulty!.addon.openSocket({ address: '127.0.0.1', ...options });
    open.push(socket);
    return socket;
  };
  const use = (calls: FakeCalls): void => faulty!.setCalls(calls);
  afterEach(() => {
    faulty?.setCalls(undefined);
    for (const socket of open.splice(0)) socket.close();
  });

  /** Sends packets and expects that the kernel took exactly the bytes of those not refused, in their order. */
  function sendAll(socket: NativeSocket, kernel: FakeKernel, packets: Uint8Array[]): number[] {
    const { slab, rows, addresses } = outgoing(packets, [9]);
    const before = kernel.taken.length;
    expect(socket.send(slab, rows, packets.length, addresses)).toBe(packets.length);
    const passed = packets.filter((_, i) => outcomes(rows)[i] === 0);
    expect(Buffer.compare(Buffer.concat(kernel.taken.slice(before)), Buffer.concat(passed))).toBe(0);
    return outcomes(rows);
  }

  describe('sending', () => {
    test('gso: packets of one length share a message of at most 64 packets and 65,487 bytes', () => {
      const kernel = new FakeKernel();
      use(kernel);
      const socket = openSocket();
      sendAll(socket, kernel, equal(150, 100));
      sendAll(socket, kernel, equal(100, 1200));
      expect(kernel.shape()).toEqual([
        [64, 64, 22],
        [54, 46],
      ]);
      expect(kernel.calls.flat().every(({ data }) => data.length <= 65_487)).toBe(true);
      expect(kernel.calls.flat().every(({ parts }) => parts === 1)).toBe(true);
      expect(socket.stats().sendCalls).toBe(2);
    });

    test('gso: a shorter packet ends a message, a longer one and an empty one begin another', () => {
      const kernel = new FakeKernel();
      use(kernel);
      const lengths = [100, 100, 50, 50, 60, 60, 0, 0, 70, 70, 70, 1, 1, 0, 5];
      sendAll(
        openSocket(),
        kernel,
        lengths.map((length, i) => new Uint8Array(length).fill(i)),
      );
      expect(kernel.shape()).toEqual([[3, 1, 2, 1, 1, 4, 1, 1, 1]]);
    });

    test('gso: another address begins another message', () => {
      const kernel = new FakeKernel();
      use(kernel);
      const { slab, rows, addresses } = outgoing(equal(6), [9, 10]);
      openSocket().send(slab, rows, 6, addresses);
      expect(kernel.shape()).toEqual([[1, 1, 1, 1, 1, 1]]);
    });

    test('mmsg: one packet to a message, 64 messages to a call', () => {
      const kernel = new FakeKernel();
      use(kernel);
      sendAll(openSocket({ tier: 'mmsg' }), kernel, equal(130));
      expect(kernel.shape().map((call) => call.length)).toEqual([64, 64, 2]);
    });

    test('packets from all over a slab: the pieces of one call are bounded, and nothing is lost', () => {
      const kernel = new FakeKernel();
      use(kernel);
      const packets = equal(5000, 20);
      const { slab, rows, addresses } = outgoing(packets, [9]);
      const reversed = new Uint32Array(rows.length);
      for (let i = 0; i < 5000; i++) reversed.set(rows.subarray(4 * i, 4 * i + 4), 4 * (4999 - i));
      expect(openSocket().send(slab, reversed, 5000, addresses)).toBe(5000);
      expect(Buffer.compare(Buffer.concat(kernel.taken), Buffer.concat(packets.toReversed()))).toBe(0);
      expect(kernel.calls.every((call) => call.reduce((sum, { parts }) => sum + parts, 0) <= 1024)).toBe(true);
    });

    test('a kernel that takes fewer messages than it was given gets the rest, once', () => {
      for (const tier of ['gso', 'mmsg'] as const) {
        const kernel = new FakeKernel(1, 2, 1);
        use(kernel);
        const outcome = sendAll(openSocket({ tier }), kernel, equal(300));
        expect(outcome.every((code) => code === 0)).toBe(true);
      }
    });

    test('EINTR is tried again; when it does not end, the send waits', () => {
      const kernel = new FakeKernel(-EINTR, -EINTR, 1, -EINTR);
      use(kernel);
      const socket = openSocket({ tier: 'mmsg' });
      expect(sendAll(socket, kernel, equal(10))).toEqual(Array.from({ length: 10 }, () => 0));
      use({ send: () => -EINTR });
      const { slab, rows, addresses } = outgoing(equal(2), [9]);
      expect(socket.send(slab, rows, 2, addresses)).toBe(0);
      expect(outcomes(rows)[0]).toBe(EAGAIN);
    });

    test.each([
      ['EAGAIN', -EAGAIN, EAGAIN],
      ['ENOBUFS', -ENOBUFS, ENOBUFS],
      ['nothing taken and no error', 0, EAGAIN],
    ])('%s ends the send where it is, and onWritable tells when to go on', async (_, answer, code) => {
      const kernel = new FakeKernel(2, answer);
      use(kernel);
      let writable = 0;
      const { promise, resolve } = signal();
      const socket = openSocket({
        tier: 'mmsg',
        onWritable: () => {
          writable++;
          resolve();
        },
      });
      const { slab, rows, addresses } = outgoing(equal(5), [9]);
      expect(socket.send(slab, rows, 5, addresses)).toBe(2);
      expect(outcomes(rows)).toEqual([0, 0, code, 0xffff_ffff, 0xffff_ffff]);
      expect(socket.stats()).toMatchObject({ blocked: 1, packetsSent: 2, refused: 0 });
      await promise;
      expect(socket.send(slab, rows.subarray(8), 3, addresses)).toBe(3);
      expect(Buffer.concat(kernel.taken)).toEqual(Buffer.from(slab));
      for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next));
      expect(writable).toBe(1);
    });

    test.each([
      ['EMSGSIZE', EMSGSIZE],
      ['ENETUNREACH', ENETUNREACH],
      ['EPERM', EPERM],
    ])('%s of one packet is its outcome, and those behind it are sent', (_, code) => {
      const kernel = new FakeKernel(2, -code);
      use(kernel);
      const socket = openSocket({ tier: 'mmsg' });
      expect(sendAll(socket, kernel, equal(5))).toEqual([0, 0, code, 0, 0]);
      expect(socket.stats()).toMatchObject({ refused: 1, packetsSent: 4, stepDowns: 0 });
    });

    test('a message that was taken in part carried its first packets', () => {
      const kernel = new FakeKernel([250, 400]);
      use(kernel);
      const socket = openSocket();
      const packets = [...equal(4), new Uint8Array(50), ...equal(4, 90)];
      const { slab, rows, addresses } = outgoing(packets, [9]);
      expect(socket.send(slab, rows, 9, addresses)).toBe(9);
      expect(outcomes(rows)).toEqual([0, 0, EIO, EIO, EIO, 0, 0, 0, 0]);
      expect(socket.stats()).toMatchObject({ packetsSent: 6, refused: 3, bytesSent: 560 });
    });
  });

  describe('a kernel that refuses segments', () => {
    /** Refuses every message with segments. */
    const refusing =
      (code: number, kernel: FakeKernel) =>
      (messages: SentMessage[]): number => {
        kernel.calls.push(messages);
        const first = messages.findIndex(({ segmentBytes }) => segmentBytes > 0);
        if (first === 0) return -code;
        const count = first < 0 ? messages.length : first;
        for (const { data } of messages.slice(0, count)) kernel.taken.push(data);
        return count;
      };

    test.each([
      ['EIO', EIO],
      ['EINVAL', EINVAL],
      ['EMSGSIZE', EMSGSIZE],
    ])('%s: every packet goes alone, in order, and the socket stays a tier lower', (_, code) => {
      const kernel = new FakeKernel();
      const socket = openSocket();
      use({ now: kernel.now, send: refusing(code, kernel) });
      expect(sendAll(socket, kernel, equal(200)).every((outcome) => outcome === 0)).toBe(true);
      expect(socket.stats()).toMatchObject({ tier: 'mmsg', stepDowns: 1, refused: 0, packetsSent: 200 });
      const calls = kernel.calls.length;
      sendAll(socket, kernel, equal(64));
      expect(kernel.shape().slice(calls)).toEqual([Array.from({ length: 64 }, () => 1)]);
    });

    test('it is tried again after 5 s, then after twice as long each time up to 300 s, and after 5 s once it has worked', () => {
      const kernel = new FakeKernel();
      const socket = openSocket();
      const bad = { now: kernel.now, send: refusing(EIO, kernel) };
      use(bad);
      const attempt = (): boolean => {
        const downs = socket.stats().stepDowns;
        sendAll(socket, kernel, equal(4));
        return socket.stats().stepDowns > downs;
      };
      expect(attempt()).toBe(true);
      for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300]) {
        kernel.clock += seconds * SECOND - 1;
        expect(attempt()).toBe(false);
        kernel.clock += 1;
        expect(attempt()).toBe(true);
      }
      use(kernel);
      kernel.clock += 300 * SECOND;
      sendAll(socket, kernel, equal(4));
      expect(socket.stats().tier).toBe('gso');
      expect(kernel.shape().at(-1)).toEqual([4]);
      use(bad);
      expect(attempt()).toBe(true);
      kernel.clock += 5 * SECOND;
      expect(attempt()).toBe(true);
    });

    test('packets that are too long for the path are refused one by one, and that is no reason to step down', () => {
      const kernel = new FakeKernel();
      const socket = openSocket();
      use({
        now: kernel.now,
        send: (messages) => {
          const bad = messages.findIndex(({ data, segmentBytes }) => (segmentBytes || data.length) > 1400);
          if (bad === 0) return -EMSGSIZE;
          const count = bad < 0 ? messages.length : bad;
          for (const { data } of messages.slice(0, count)) kernel.taken.push(data);
          return count;
        },
      });
      const packets = [...equal(3, 1200), ...equal(3, 1500), new Uint8Array(800), ...equal(3, 1200)];
      const expected = [0, 0, 0, EMSGSIZE, EMSGSIZE, EMSGSIZE, 0, 0, 0, 0];
      expect(sendAll(socket, kernel, packets)).toEqual(expected);
      expect(socket.stats()).toMatchObject({ tier: 'gso', stepDowns: 0, refused: 3 });
    });

    test('EAGAIN in the middle of the packets that go alone loses none', () => {
      const kernel = new FakeKernel(-EINVAL, 2, -EAGAIN);
      use(kernel);
      const socket = openSocket();
      const { slab, rows, addresses } = outgoing(equal(6), [9]);
      expect(socket.send(slab, rows, 6, addresses)).toBe(2);
      expect(socket.send(slab, rows.subarray(8), 4, addresses)).toBe(4);
      expect(Buffer.concat(kernel.taken)).toEqual(Buffer.from(slab));
    });

    test('a kernel that never had segments is found out when the socket opens', () => {
      use({
        getOption: (level, name) => (level === SOL_UDP && name === UDP_SEGMENT ? -ENOPROTOOPT : undefined),
        setOption: (level, name) => (level === SOL_UDP && name === UDP_GRO ? -ENOPROTOOPT : undefined),
      });
      const socket = openSocket({ maxPacketBytes: 1500 });
      expect(socket.stats()).toMatchObject({ tier: 'mmsg', joins: false });
      expect(socket.slotBytes).toBe(1501);
    });

    test('every option of a socket may be refused, and it still carries packets', async () => {
      use({ setOption: () => -EPERM, getOption: () => -EPERM });
      const receiver = new Collector(faulty!.addon);
      open.push(receiver.socket);
      const { slab, rows, addresses } = outgoing(equal(20), [receiver.socket.address.port]);
      openSocket().send(slab, rows, 20, addresses);
      await receiver.have(20);
      expect(receiver.socket.stats().dropped).toBe(0);
      expect(Buffer.concat(receiver.packets.map(({ data }) => data))).toEqual(Buffer.from(slab));
    });
  });

  describe('receiving', () => {
    /** A socket whose kernel gives what the script says, one answer per call, and then nothing. */
    async function given(
      script: Array<ReturnType<NonNullable<FakeCalls['receive']>>>,
      options: SocketOptions = {},
      room: { slots?: number; rows?: number } = {},
    ): Promise<Collector> {
      const receiver = new Collector(faulty!.addon, options, room);
      open.push(receiver.socket);
      const { promise, resolve } = signal<number>();
      const answers = [...script];
      use({
        receive: () => {
          if (answers.length > 0) return answers.shift();
          // What woke the socket is still in its buffer: taken out by the system itself, perhaps before anybody hears of this.
          resolve(receiver.packets.length + 1);
          use({});
          return -EAGAIN;
        },
      });
      const wake = outgoing([Buffer.from('wake')], [receiver.socket.address.port]);
      openSocket().send(wake.slab, wake.rows, 1, wake.addresses);
      await receiver.have(await promise);
      expect(receiver.packets.pop()!.data.toString()).toBe('wake');
      return receiver;
    }
    const texts = (receiver: Collector): string[] => receiver.packets.map(({ data }) => data.toString());

    test('joined packets are given one by one; the last may be shorter', async () => {
      const data = Buffer.from('aaaabbbbccccdd');
      const receiver = await given([[{ data, piece: 4, port: 7 }]]);
      expect(texts(receiver)).toEqual(['aaaa', 'bbbb', 'cccc', 'dd']);
      expect(receiver.packets.every(({ port }) => port === 7)).toBe(true);
    });

    test('sizes of pieces that make no sense leave the message whole', async () => {
      const data = Buffer.from('abcdef');
      const pieces = [0, -1, -2_147_483_648, 6, 7, 2_147_483_647];
      const receiver = await given([pieces.map((piece) => ({ data, piece }))]);
      expect(texts(receiver)).toEqual(pieces.map(() => 'abcdef'));
    });

    test('65,536 pieces of one byte are all given, in batches that have room for them', async () => {
      const data = new Random(9).bytes(65_536);
      const receiver = await given([[{ data, piece: 1 }]], {}, { rows: 1000 });
      expect(receiver.packets.length).toBe(65_536);
      expect(Buffer.compare(Buffer.concat(receiver.packets.map((packet) => packet.data)), data)).toBe(0);
      expect(Math.max(...receiver.batches)).toBe(1000);
    });

    test('empty datagrams are packets of no bytes', async () => {
      const empty = { data: new Uint8Array(0) };
      const receiver = await given([[empty, { data: Buffer.from('x') }, { ...empty, piece: 100 }]]);
      expect(texts(receiver)).toEqual(['', 'x', '']);
    });

    test('truncated messages, and those from no address, are dropped and counted, with their neighbours kept', async () => {
      const receiver = await given(
        [
          [
            { data: Buffer.from('one') },
            { data: Buffer.from('cut'), truncated: 1 },
            { data: new Uint8Array(200) },
            { data: new Uint8Array(101) },
            { data: Buffer.from('unix'), family: 1 },
            { data: Buffer.from('two') },
          ],
        ],
        { tier: 'mmsg', maxPacketBytes: 100 },
      );
      expect(texts(receiver)).toEqual(['one', 'two']);
      expect(receiver.socket.stats().truncated).toBe(4);
    });

    test('EINTR and errors that ICMP left behind do not hide what has arrived', async () => {
      const receiver = await given([-EINTR, -ECONNREFUSED, [{ data: Buffer.from('after') }], -EINTR]);
      expect(texts(receiver)).toEqual(['after']);
      expect(receiver.socket.stats().receiveErrors).toBe(1);
    });

    test('a kernel that always has more is asked for four batches a turn, and timers and other sockets get theirs', async () => {
      const quiet = new Collector(faulty!.addon);
      open.push(quiet.socket);
      const flooded = new Collector(faulty!.addon, { tier: 'mmsg' }, { slots: 4 });
      open.push(flooded.socket);
      const full = Array.from({ length: 4 }, () => ({ data: Uint8Array.of(1) }));
      const turns: number[] = [];
      let calls = 0;
      // So many at most: a socket that does not yield ends all the same, and is found out.
      const most = 4000;
      use({
        receive: (slots) => {
          // The other socket has slots of its own number.
          if (slots !== 4) return undefined;
          return ++calls > most ? -EAGAIN : full;
        },
      });
      const wake = outgoing([Buffer.from('wake')], [flooded.socket.address.port]);
      const other = outgoing([Buffer.from('other')], [quiet.socket.address.port]);
      const sender = openSocket();
      sender.send(wake.slab, wake.rows, 1, wake.addresses);
      const ticks = { count: 0 };
      const ticking = setInterval(() => ticks.count++, 1);
      for (let seen = 0; turns.length < 50 || quiet.packets.length < 50 || ticks.count < 3;) {
        sender.send(other.slab, other.rows, 1, other.addresses);
        await new Promise((resolve) => setImmediate(resolve));
        turns.push(flooded.batches.length - seen);
        seen = flooded.batches.length;
        if (calls > most) break;
      }
      clearInterval(ticking);
      expect(Math.max(...turns)).toBe(4);
      expect(turns.filter((batches) => batches === 4).length).toBeGreaterThan(40);
      expect(ticks.count).toBeGreaterThan(2);
      expect(quiet.packets.length).toBeGreaterThan(49);
      use({});
    });

    test('an error that does not end gives the turn back to the event loop', async () => {
      const receiver = await given(Array.from({ length: 100 }, () => -ECONNREFUSED));
      expect(texts(receiver)).toEqual([]);
      expect(receiver.socket.stats().receiveErrors).toBe(100);
    });

    test('a kernel that gives more than was asked for is not believed', async () => {
      const many = Array.from({ length: 100 }, (_, i) => ({ data: Uint8Array.of(i) }));
      const receiver = await given([many], { tier: 'mmsg' }, { slots: 3 });
      expect(texts(receiver).length).toBe(3);
    });
  });
});

function signal<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

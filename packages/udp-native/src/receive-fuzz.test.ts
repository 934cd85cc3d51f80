import { afterEach, describe, expect, test } from 'vitest';

import { built, loadFaulty, needsBuild, type GivenMessage } from '../test/addon.js';
import { Random } from '../test/random.js';
import { outgoing } from '../test/sockets.js';
import { ADDRESS_BYTES } from './address.js';
import { NativeError } from './error.js';
import { SOCKET_ROW_WORDS, type NativeSocket } from './socket.js';

const AF_INET = 2;
const GUARD = 64;
const UNTOUCHED = 0x5a;

/** Memory of `bytes` with a guard on both sides. */
function guarded(bytes: number): { memory: Uint8Array; inner: Uint8Array; whole: () => boolean } {
  const memory = new Uint8Array(bytes + 2 * GUARD).fill(UNTOUCHED);
  const inner = memory.subarray(GUARD, GUARD + bytes);
  const outer = [memory.subarray(0, GUARD), memory.subarray(GUARD + bytes)];
  return { memory, inner, whole: () => outer.every((part) => part.every((byte) => byte === UNTOUCHED)) };
}

function anyMessage(random: Random, slotBytes: number): GivenMessage {
  const length = random.pick([0, 1, random.below(100), random.below(3000), slotBytes - 1, slotBytes, slotBytes + 1]);
  const piece = random.pick([undefined, 0, -1, 1 + random.below(200), 1000, 65_535, 2 ** 31 - 1, -(2 ** 31)]);
  return {
    data: random.bytes(Math.min(length, 70_000)),
    port: random.below(65_536),
    family: random.pick([AF_INET, AF_INET, AF_INET, AF_INET, 0, 1, 10]),
    truncated: random.below(10) === 0 ? 1 : 0,
    ...(piece === undefined ? {} : { piece }),
  };
}

/** What must come of a message: its packets, or none where it is dropped. */
function packetsOf({ data, piece, family, truncated }: GivenMessage, socket: NativeSocket, most: number): Buffer[] {
  const joined = socket.stats().joins && piece !== undefined && piece > 0 && piece < data.length ? piece : data.length;
  if (truncated === 1 || family !== AF_INET || data.length > socket.slotBytes || joined > most) return [];
  if (data.length === 0) return [Buffer.alloc(0)];
  return Array.from({ length: Math.ceil(data.length / joined) }, (_, i) =>
    Buffer.from(data.subarray(i * joined, (i + 1) * joined)),
  );
}

describe.skipIf(!built)(`fuzz of receiving ${needsBuild}`, () => {
  const faulty = built ? loadFaulty() : undefined;
  const open: NativeSocket[] = [];
  afterEach(() => {
    faulty?.setCalls(undefined);
    for (const socket of open.splice(0)) socket.close();
  });

  test('slabs, rows and tables of any size, messages of any kind: right packets within the memory given, or a refusal', async () => {
    const { addon, setCalls } = faulty!;
    const random = new Random(15);
    const sender = addon.openSocket({ address: '127.0.0.1' });
    open.push(sender);
    let passed = 0;
    for (let round = 0; round < 300; round++) {
      const most = 1 + random.below(3000);
      const tier = random.pick(['gso', 'mmsg'] as const);
      const socket = addon.openSocket({ address: '127.0.0.1', tier, maxPacketBytes: most, bufferBytes: 65_536 });
      open.push(socket);
      const slab = guarded(random.below(3) * socket.slotBytes + random.below(socket.slotBytes));
      const addresses = guarded(random.below(4) * ADDRESS_BYTES + random.below(ADDRESS_BYTES));
      const rowCount = random.below(30);
      const table = guarded(4 * SOCKET_ROW_WORDS * rowCount + 4 * random.below(SOCKET_ROW_WORDS));
      const rows = new Uint32Array(table.memory.buffer, GUARD, table.inner.length / 4);
      const slots = Math.min(
        Math.floor(slab.inner.length / socket.slotBytes),
        Math.floor(addresses.inner.length / ADDRESS_BYTES),
      );
      const got: Buffer[] = [];
      let expected: Buffer[] | undefined;
      let finished = (): void => {};
      const all = new Promise<void>((resolve) => {
        finished = resolve;
      });
      const onBatch = (count: number): void => {
        expect(count).toBeLessThanOrEqual(rowCount);
        for (let i = 0; i < count; i++) {
          const [offset, length, address] = rows.subarray(i * SOCKET_ROW_WORDS);
          expect(offset! + length!).toBeLessThanOrEqual(slab.inner.length);
          expect(address).toBeLessThan(slots);
          got.push(Buffer.from(slab.inner.subarray(offset, offset! + length!)));
        }
        if (expected !== undefined && got.length >= expected.length) finished();
      };
      const receive = (): void => socket.receive(slab.inner, rows, addresses.inner, onBatch);
      if (slots === 0 || rowCount === 0) {
        expect(receive).toThrow(NativeError);
      } else {
        receive();
        setCalls({
          receive: (count, slotBytes) => {
            expect([count, slotBytes]).toEqual([slots, socket.slotBytes]);
            const messages = Array.from({ length: random.below(slots + 3) }, () => anyMessage(random, slotBytes));
            // The datagram that woke the socket is behind them, without bytes.
            const whole = messages.slice(0, slots).flatMap((message) => packetsOf(message, socket, most));
            expected = [...whole, Buffer.alloc(0)];
            setCalls({});
            return messages;
          },
        });
        const wake = outgoing([new Uint8Array(0)], [socket.address.port]);
        sender.send(wake.slab, wake.rows, 1, wake.addresses);
        await all;
        expect(got.length).toBe(expected!.length);
        expect(Buffer.compare(Buffer.concat(got), Buffer.concat(expected!))).toBe(0);
        expect(got.map(({ length }) => length)).toEqual(expected!.map(({ length }) => length));
        passed++;
      }
      expect([slab, addresses, table].every(({ whole }) => whole())).toBe(true);
      socket.close();
    }
    expect(passed).toBeGreaterThan(100);
  });
});

import { createRequire } from 'node:module';

import { describe, expect, test } from 'vitest';

import { addonPath, built, loadBuilt, needsBuild } from '../test/addon.js';
import { Random } from '../test/random.js';
import { outgoing } from '../test/sockets.js';
import { ADDRESS_BYTES } from './address.js';
import { AEAD_ROW_WORDS, type AeadKey } from './aead.js';
import { NativeError } from './error.js';
import { SOCKET_ROW_WORDS } from './socket.js';

type Call = (...args: unknown[]) => unknown;

/** What memory holds that no call may write. */
const GUARD = 0x5a;

/** Makes a call that passes, or is refused and leaves `slab` as it was; neither writes `around` it. Returns how many passed. */
function passes(call: () => void, slab: Uint8Array, ...around: Uint8Array[]): number {
  let passed = 1;
  try {
    call();
  } catch (error) {
    expect((error as NativeError).code).toBe('NATIVE_RANGE');
    expect(slab.every((byte) => byte === GUARD)).toBe(true);
    passed = 0;
  }
  for (const bytes of around) expect(bytes.every((byte) => byte === GUARD)).toBe(true);
  return passed;
}

/** Whatever JavaScript can put where something else was expected. */
function hostile(): unknown[] {
  const detached = new Uint8Array(64);
  const detachedWords = new Uint32Array(64);
  structuredClone(detached, { transfer: [detached.buffer] });
  structuredClone(detachedWords, { transfer: [detachedWords.buffer] });
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer;
  const shrunk = new Resizable(64, { maxByteLength: 128 });
  const tracking = new Uint8Array(shrunk);
  (shrunk as unknown as { resize(length: number): void }).resize(1);
  return [
    undefined,
    null,
    true,
    -1,
    -0,
    0,
    0.5,
    1,
    3,
    255,
    256,
    65_536,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    -(2 ** 63),
    1e308,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1n,
    2n ** 64n,
    '',
    'gso',
    'aes-128-gcm',
    'x'.repeat(1000),
    '\0',
    '\ud800',
    Symbol('s'),
    {},
    [],
    [1, 2, 3],
    () => {},
    new Date(0),
    new Proxy({}, {}),
    new Proxy(new Uint8Array(64), {}),
    Object.create(Uint8Array.prototype),
    new ArrayBuffer(64),
    new DataView(new ArrayBuffer(64)),
    new Uint8Array(0),
    new Uint8Array(1),
    new Uint8Array(ADDRESS_BYTES),
    new Uint8Array(64),
    new Uint8Array(new ArrayBuffer(64), 63, 1),
    Buffer.alloc(64),
    tracking,
    new Uint8ClampedArray(64),
    new Int8Array(64),
    new Uint16Array(64),
    new Int32Array(64),
    new Float64Array(64),
    new BigUint64Array(8),
    new Uint32Array(0),
    new Uint32Array(1),
    new Uint32Array(64),
    new Uint32Array(64).fill(0xffff_ffff),
    new Uint8Array(new SharedArrayBuffer(64)),
    new Uint32Array(new SharedArrayBuffer(256)),
    detached,
    detachedWords,
  ];
}

describe.skipIf(!built)(`fuzz ${needsBuild}`, () => {
  const binding = (): Record<string, Call> => createRequire(import.meta.url)(addonPath) as Record<string, Call>;

  /** A right call of every function, made anew each time; what a call opens is closed. */
  const rightCalls = (): Record<string, unknown[]> => {
    const { openSocket, createKey, closeSocket } = binding();
    const address = new Uint8Array(ADDRESS_BYTES);
    address.set([4, 0, 0, 0, 127, 0, 0, 1]);
    const socketArgs = [address, 'gso', 65_536, 1500, true, () => {}];
    const socket = openSocket!(...socketArgs);
    const gone = openSocket!(...socketArgs);
    closeSocket!(gone);
    const key = createKey!('aes-128-gcm', new Uint8Array(16), new Uint8Array(12));
    const { slab, rows, addresses } = outgoing([new Uint8Array(40), new Uint8Array(40)], [9]);
    const sealing = Uint32Array.of(0, 5, 40, 1, 0, 40, 5, 40, 2, 0);
    return {
      setErrorClass: [NativeError],
      createKey: ['aes-128-gcm', new Uint8Array(16), new Uint8Array(12)],
      seal: [key, slab, sealing, 2],
      open: [key, slab, sealing, 2, new Uint8Array(2)],
      combine: [slab, 10, Uint32Array.of(0, 10), 2, Uint32Array.of(20, 30), 2, new Uint8Array(4), 2, 0],
      solve: [Uint8Array.of(1, 2, 3, 4), new Uint8Array(4), 2, 2, 2],
      openSocket: socketArgs,
      send: [socket, slab, rows, 2, addresses],
      receive: [socket, new Uint8Array(65_536), new Uint32Array(64), new Uint8Array(ADDRESS_BYTES), () => {}],
      closeSocket: [gone],
      hold: [socket, true],
      localAddress: [socket, new Uint8Array(ADDRESS_BYTES)],
      describe: [socket],
    };
  };
  const closeAll = (calls: Record<string, unknown[]>): void => {
    for (const name of ['send', 'closeSocket']) binding()['closeSocket']!(calls[name]![0]);
  };

  /** Calls, and lets pass what a call may do: give something, or throw this package's error. */
  function attempt(name: string, args: unknown[]): boolean {
    try {
      const given = binding()[name]!(...args);
      if (name === 'openSocket') binding()['closeSocket']!(given);
      return true;
    } catch (error) {
      expect(error, `${name} with ${args.length} arguments`).toBeInstanceOf(NativeError);
      return false;
    }
  }

  test('every function of the addon is among those tried here', () => {
    loadBuilt();
    const names = Object.entries(binding()).filter(([, value]) => typeof value === 'function');
    const calls = rightCalls();
    expect(names.map(([name]) => name).toSorted()).toEqual(Object.keys(calls).toSorted());
    for (const [name, args] of Object.entries(calls)) expect(attempt(name, args), name).toBe(true);
    closeAll(calls);
  });

  test('every argument of every function may be anything: the call does it or throws, and nothing breaks', () => {
    loadBuilt();
    const values = hostile();
    let tried = 0;
    for (const name of Object.keys(rightCalls())) {
      if (name === 'setErrorClass') continue;
      const calls = rightCalls();
      const right = calls[name]!;
      for (let at = 0; at < right.length; at++) {
        for (const value of values) {
          attempt(name, right.with(at, value));
          tried++;
        }
        attempt(name, right.slice(0, at));
      }
      closeAll(calls);
    }
    expect(tried).toBeGreaterThan(2000);
  });

  test('several arguments at once may be anything', () => {
    loadBuilt();
    const random = new Random(10);
    const names = Object.keys(rightCalls()).filter((name) => name !== 'setErrorClass');
    for (let round = 0; round < 60; round++) {
      const values = hostile();
      const calls = rightCalls();
      const handles = [calls['seal']![0], calls['send']![0], calls['closeSocket']![0]];
      for (let i = 0; i < 60; i++) {
        const name = random.pick(names);
        const args = calls[name]!.map((arg) => (random.below(3) === 0 ? random.pick([...values, ...handles]) : arg));
        attempt(name, args);
      }
      closeAll(calls);
    }
  });

  test('a class for errors that is none is refused, and one that throws is thrown through', () => {
    loadBuilt();
    const { setErrorClass, seal } = binding();
    for (const value of hostile().filter((one) => typeof one !== 'function')) {
      expect(() => setErrorClass!(value)).toThrow(NativeError);
    }
    class Throwing extends Error {
      constructor() {
        super();
        throw new RangeError('mine');
      }
    }
    setErrorClass!(Throwing);
    try {
      expect(() => seal!()).toThrow(/mine/);
      // No constructor at all: a plain error in its place.
      setErrorClass!(() => {});
      expect(() => seal!()).toThrow();
    } finally {
      setErrorClass!(NativeError);
    }
  });

  /** Numbers about the bounds of a memory of `room` bytes, and far from them. */
  const near = (random: Random, room: number): number =>
    random.pick([
      0,
      1,
      random.below(room + 1),
      room - random.below(20),
      room + random.below(20),
      room,
      2 ** 31 + random.below(100),
      2 ** 32 - 1 - random.below(100),
      random.below(2 ** 32),
    ]) >>> 0;

  test.each([
    ['aes-128-gcm', 16],
    ['chacha20-poly1305', 32],
  ] as const)(
    '%s: rows of any offsets and lengths are sealed and opened within the slab, or refused',
    (name, keyBytes) => {
      const { aead } = loadBuilt();
      const random = new Random(11);
      const newKey = (): AeadKey => aead!.createKey(name, random.bytes(keyBytes), random.bytes(12));
      let key = newKey();
      let passed = 0;
      for (let round = 0; round < 10_000; round++) {
        if (round % 64 === 0) key = newKey();
        const room = random.below(200);
        const memory = new Uint8Array(room + 64).fill(GUARD);
        const slab = memory.subarray(32, 32 + room);
        const count = 1 + random.below(4);
        const rows = new Uint32Array(count * AEAD_ROW_WORDS);
        for (let i = 0; i < count; i++) {
          const sane = random.below(4) > 0;
          const offset = sane ? random.below(room + 1) : near(random, room);
          const bytes = sane ? random.below(room - offset + 1) : near(random, room);
          const clear = sane ? random.below(Math.max(1, bytes - 15)) : near(random, room);
          rows.set([offset, clear, bytes, round, 0], i * AEAD_ROW_WORDS);
        }
        const call = (): void => {
          if (random.below(2) === 0) aead!.seal(key, slab, rows, count);
          else aead!.open(key, slab, rows, count, new Uint8Array(random.below(6)));
        };
        passed += passes(call, slab, memory.subarray(0, 32), memory.subarray(32 + room));
      }
      expect(passed).toBeGreaterThan(1000);
    },
  );

  test('shards of any offsets and lengths: outputs are written within the slab, or nothing is', () => {
    const { fec } = loadBuilt();
    const random = new Random(12);
    let passed = 0;
    for (let round = 0; round < 20_000; round++) {
      const room = 1 + random.below(400);
      const memory = new Uint8Array(room + 64).fill(GUARD);
      const slab = memory.subarray(32, 32 + room);
      const shard = random.below(4) > 0 ? random.below(room / 4 + 1) : near(random, room);
      const offset = (): number =>
        random.below(12) > 0 ? random.below(Math.max(1, room - shard + 1)) : near(random, room);
      const inputs = Uint32Array.from({ length: 1 + random.below(3) }, offset);
      const outputs = Uint32Array.from({ length: 1 + random.below(2) }, offset);
      const inputCount = random.below(inputs.length + 2);
      const outputCount = random.below(outputs.length + 2);
      const stride = random.below(6);
      const matrix = random.bytes(random.below(12));
      const kernel = random.below(fec.kernels.length + 1);
      const call = (): void =>
        fec.combine(slab, shard, inputs, inputCount, outputs, outputCount, matrix, stride, kernel);
      passed += passes(call, slab, memory.subarray(0, 32), memory.subarray(32 + room));
    }
    expect(passed).toBeGreaterThan(1000);
  });

  test('matrices of any sizes: they are solved in place, or refused', () => {
    const { fec } = loadBuilt();
    const random = new Random(14);
    let passed = 0;
    for (let round = 0; round < 20_000; round++) {
      const memory = new Uint8Array(400).fill(GUARD);
      const left = memory.subarray(32, 32 + random.below(100));
      const right = memory.subarray(200, 200 + random.below(100));
      left.set(random.bytes(left.length));
      const sizes = [random.below(10), random.below(10), random.below(14)].map((size) =>
        random.below(10) > 0 ? size : near(random, size),
      ) as [number, number, number];
      const around = [memory.subarray(0, 32), memory.subarray(132, 200), memory.subarray(300)];
      passed += passes(() => void fec.solve(left, right, ...sizes), right, ...around);
    }
    expect(passed).toBeGreaterThan(1000);
  });

  test('rows of any offsets, lengths and addresses: packets are sent, or the group is refused', () => {
    const addon = loadBuilt();
    const random = new Random(13);
    const sink = addon.openSocket({ address: '127.0.0.1', bufferBytes: 4096 });
    const socket = addon.openSocket({ address: '127.0.0.1' });
    let passed = 0;
    for (let round = 0; round < 5000; round++) {
      const room = random.below(300);
      const slab = random.bytes(room);
      const count = 1 + random.below(6);
      const rows = new Uint32Array(count * SOCKET_ROW_WORDS);
      const { addresses } = outgoing([], [sink.address.port, sink.address.port]);
      for (let i = 0; i < count; i++) {
        const sane = random.below(8) > 0;
        const offset = sane ? random.below(room + 1) : near(random, room);
        const length = sane ? random.below(room - offset + 1) : near(random, room);
        rows.set([offset, length, sane ? random.below(2) : near(random, 2), 77], i * SOCKET_ROW_WORDS);
      }
      if (random.below(20) === 0) addresses[random.below(addresses.length)] = random.below(256);
      try {
        expect(socket.send(slab, rows, count, addresses)).toBeLessThanOrEqual(count);
        passed++;
      } catch (error) {
        expect((error as NativeError).code).toBe('NATIVE_RANGE');
        expect(rows.filter((_, i) => i % SOCKET_ROW_WORDS === 3).every((outcome) => outcome === 77)).toBe(true);
      }
    }
    expect(passed).toBeGreaterThan(1000);
    sink.close();
    socket.close();
  });
});

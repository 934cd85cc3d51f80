import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';

import type { PacketGroup } from '../core/index.js';
import { createFec, createScalarFec } from '../fec/index.js';
import { Pair } from '../../test/sim/pair.js';
import { sendFrames } from '../../test/sim/traffic.js';
import { createNodeCrypto } from './crypto.js';
import { chooseCrypto, chooseFec, loadAddon } from './native.js';

const addon = await loadAddon();
// Without the addon these compare the fallback with itself, which is what it is to be then.
const quick = chooseCrypto(addon);
const plain = createNodeCrypto();

function group(count: number): PacketGroup {
  const lengths = Uint32Array.from({ length: count }, (_, i) => 6 + ((i * 193) % 1200));
  return {
    slab: new Uint8Array(randomBytes(count * 1300)),
    offsets: Uint32Array.from({ length: count }, (_, i) => i * 1300 + (i % 7)),
    lengths,
    numbers: Uint32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i * 77_777_777 : i)),
    authentic: new Uint8Array(count),
  };
}

const copyOf = (from: PacketGroup): PacketGroup => ({
  slab: from.slab.slice(),
  offsets: from.offsets,
  lengths: from.lengths.slice(),
  numbers: from.numbers,
  authentic: from.authentic.slice(),
});

describe.each(['aes-128-gcm', 'chacha20-poly1305'] as const)('%s', (cipher) => {
  const key = randomBytes(cipher === 'aes-128-gcm' ? 16 : 32);
  const iv = randomBytes(12);

  test('the fast path seals the bytes of the reference path, and each opens what the other sealed', () => {
    const before = group(64);
    const a = copyOf(before);
    const b = copyOf(before);
    quick.packetKey(cipher, key, iv).seal(a, 3, 64);
    plain.packetKey(cipher, key, iv).seal(b, 3, 64);
    expect(Buffer.compare(a.slab, b.slab)).toBe(0);
    expect(a.lengths).toEqual(b.lengths);
    plain.packetKey(cipher, key, iv).open(a, 3, 64);
    quick.packetKey(cipher, key, iv).open(b, 3, 64);
    expect([...a.authentic.subarray(3), ...b.authentic.subarray(3)]).not.toContain(0);
    expect(a.lengths).toEqual(before.lengths);
    expect(b.lengths).toEqual(before.lengths);
    for (let i = 3; i < 64; i++) {
      const [at, end] = [before.offsets[i]!, before.offsets[i]! + before.lengths[i]!];
      for (const opened of [a, b]) {
        expect(Buffer.compare(opened.slab.subarray(at, end), before.slab.subarray(at, end))).toBe(0);
      }
    }
  });

  test('a packet with a changed byte, clear or sealed, is not authentic; its neighbours are', () => {
    for (const crypto of [quick, plain]) {
      const sealed = group(3);
      crypto.packetKey(cipher, key, iv).seal(sealed, 0, 3);
      for (const at of [0, 4, 5, sealed.lengths[1]! - 1]) {
        const changed = copyOf(sealed);
        changed.slab[changed.offsets[1]! + at]! ^= 1;
        crypto.packetKey(cipher, key, iv).open(changed, 0, 3);
        expect([...changed.authentic]).toEqual([1, 0, 1]);
      }
    }
  });
});

test('native parity is that of WebAssembly', () => {
  const [fast, wasm] = [chooseFec(addon), createFec()];
  expect(fast.kind).toBe(addon === undefined ? 'wasm' : 'native');
  const offsets = Uint32Array.from({ length: 30 }, (_, i) => i * 1201);
  const slab = new Uint8Array(randomBytes(30 * 1201));
  const other = slab.slice();
  fast.encode(slab, 22, 8, 1201, offsets);
  wasm.encode(other, 22, 8, 1201, offsets);
  expect(Buffer.compare(slab, other)).toBe(0);
  const present = Uint8Array.from({ length: 30 }, (_, i) => (i % 4 === 0 ? 0 : 1));
  const whole = slab.slice();
  for (let i = 0; i < 22; i += 4) slab.fill(0, offsets[i], offsets[i]! + 1201);
  expect(fast.decode(slab, 22, 8, 1201, offsets, present)).toBe(true);
  expect(Buffer.compare(slab.subarray(0, 22 * 1201), whole.subarray(0, 22 * 1201))).toBe(0);
});

test('ends that compute with different means understand each other', () => {
  const native = { crypto: quick, fec: chooseFec(addon) };
  const scalar = { crypto: plain, fec: createScalarFec() };
  for (const [hostParts, clientParts] of [
    [native, scalar],
    [scalar, native],
  ] as const) {
    const link = { delayMs: 10, loss: 0.05 };
    const pair = new Pair({ link, hostParts, clientParts, host: { parityFloor: 0.2 } });
    const result = sendFrames(pair, { frames: 40, everyMs: 16, bytes: 30_000, deadlineMs: 500 });
    pair.run(2000);
    expect([result.delivered, result.wrong]).toEqual([40, 0]);
    expect(pair.client.stats.shardsRecovered).toBeGreaterThan(10);
  }
});

import { createCipheriv, type CipherGCMTypes } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { built, loadBuilt, needsBuild } from '../test/addon.js';
import { Random } from '../test/random.js';
import { AEAD_ROW_WORDS, TAG_BYTES, type AeadAlgorithm, type NativeAead } from './aead.js';
import { NativeError } from './error.js';

const KEY_BYTES: Record<AeadAlgorithm, number> = { 'aes-128-gcm': 16, 'chacha20-poly1305': 32 };
const ALGORITHMS = Object.keys(KEY_BYTES) as AeadAlgorithm[];

interface Plain {
  readonly clear: Uint8Array;
  readonly text: Uint8Array;
  readonly number: bigint;
}

/** What node:crypto makes of the same packet. */
function reference(algorithm: AeadAlgorithm, key: Uint8Array, iv: Uint8Array, packet: Plain): Uint8Array {
  const nonce = Buffer.from(iv);
  nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ packet.number, 4);
  const cipher = createCipheriv(algorithm as CipherGCMTypes, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(packet.clear, { plaintextLength: packet.text.length });
  return Buffer.concat([packet.clear, cipher.update(packet.text), cipher.final(), cipher.getAuthTag()]);
}

function writeRow(
  rows: Uint32Array,
  index: number,
  offset: number,
  clear: number,
  bytes: number,
  number: bigint,
): void {
  rows.set([offset, clear, bytes, Number(number & 0xffff_ffffn), Number(number >> 32n)], AEAD_ROW_WORDS * index);
}

/** A slab of packets of every kind, with gaps of 0xa5 between them. */
function group(random: Random, packets: number): { slab: Uint8Array; rows: Uint32Array; plain: Plain[] } {
  const plain: Plain[] = [];
  const rows = new Uint32Array(AEAD_ROW_WORDS * packets);
  const slab = new Uint8Array(packets * 2400).fill(0xa5);
  for (let i = 0, offset = 0; i < packets; i++) {
    const number = (BigInt(random.below(2 ** 30)) << 32n) | BigInt(random.below(2 ** 32));
    const clear = random.bytes(random.pick([0, 1, 5, 16, 40, 63, 64, 65, 100]));
    const text = random.bytes(
      random.pick([0, 1, 15, 16, 17, 64, 1023, 1024, 1025, 1200, 1983, 1984, 1985, 2048, random.below(2200)]),
    );
    offset += random.below(20);
    slab.set(clear, offset);
    slab.set(text, offset + clear.length);
    const bytes = clear.length + text.length + TAG_BYTES;
    writeRow(rows, i, offset, clear.length, bytes, number);
    plain.push({ clear, text, number });
    offset += bytes;
  }
  return { slab, rows, plain };
}

function thrown(call: () => unknown): NativeError {
  try {
    call();
  } catch (error) {
    if (error instanceof NativeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.skipIf(!built)(`AEAD ${needsBuild}`, () => {
  const aead = (): NativeAead => loadBuilt().aead!;

  test('both algorithms are there in this Node', () => {
    expect(aead().algorithms).toEqual(ALGORITHMS);
  });

  test('the packet of RFC 9001, appendix A.5, comes out as printed', () => {
    const key = aead().createKey(
      'chacha20-poly1305',
      Buffer.from('c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8', 'hex'),
      Buffer.from('e0459b3474bdd0e44a41c144', 'hex'),
    );
    const slab = new Uint8Array(4 + 1 + TAG_BYTES);
    slab.set(Buffer.from('4200bff401', 'hex'));
    const rows = new Uint32Array(AEAD_ROW_WORDS);
    writeRow(rows, 0, 0, 4, slab.length, 654360564n);
    aead().seal(key, slab, rows, 1);
    expect(Buffer.from(slab).toString('hex')).toBe('4200bff4655e5cd55c41f69080575d7999c25a5bfb');
  });

  test.each(ALGORITHMS)('%s: sealed packets equal those of node:crypto byte for byte, and open again', (algorithm) => {
    const random = new Random(1);
    for (let round = 0; round < 40; round++) {
      const secret = random.bytes(KEY_BYTES[algorithm]);
      const iv = random.bytes(12);
      const key = aead().createKey(algorithm, secret, iv);
      const { slab, rows, plain } = group(random, 32);
      const before = slab.slice();
      const expected = slab.slice();
      for (const [i, packet] of plain.entries()) {
        expected.set(reference(algorithm, secret, iv, packet), rows[AEAD_ROW_WORDS * i]);
      }
      aead().seal(key, slab, rows, plain.length);
      expect(Buffer.compare(slab, expected)).toBe(0);

      const verdicts = new Uint8Array(plain.length + 1).fill(7);
      expect(aead().open(key, slab, rows, plain.length, verdicts)).toBe(plain.length);
      expect([...verdicts]).toEqual([...Array.from(plain, () => 1), 7]);
      for (const [i, packet] of plain.entries()) {
        // Only the tags differ from what was there before.
        const at = rows[AEAD_ROW_WORDS * i]!;
        before.set(
          expected.subarray(at + packet.clear.length + packet.text.length, at + rows[AEAD_ROW_WORDS * i + 2]!),
          at + packet.clear.length + packet.text.length,
        );
      }
      expect(Buffer.compare(slab, before)).toBe(0);
    }
  });

  test.each(ALGORITHMS)(
    '%s: one changed bit anywhere makes a packet not authentic, and its text is wiped',
    (algorithm) => {
      const random = new Random(2);
      const key = aead().createKey(algorithm, random.bytes(KEY_BYTES[algorithm]), random.bytes(12));
      const clear = 5;
      const bytes = clear + 40 + TAG_BYTES;
      const sealed = random.bytes(bytes);
      const rows = new Uint32Array(AEAD_ROW_WORDS);
      const verdicts = new Uint8Array(1);
      writeRow(rows, 0, 0, clear, bytes, 99n);
      aead().seal(key, sealed, rows, 1);
      for (let bit = 0; bit < 8 * bytes; bit++) {
        const forged = sealed.slice();
        forged[bit >> 3]! ^= 1 << (bit & 7);
        const front = forged.slice(0, clear);
        expect(aead().open(key, forged, rows, 1, verdicts)).toBe(0);
        expect(verdicts[0]).toBe(0);
        expect(forged.subarray(0, clear)).toEqual(front);
        expect(forged.subarray(clear, bytes - TAG_BYTES).every((byte) => byte === 0)).toBe(true);
      }
      writeRow(rows, 0, 0, clear, bytes, 100n);
      expect(aead().open(key, sealed.slice(), rows, 1, verdicts)).toBe(0);
      writeRow(rows, 0, 0, clear, bytes, 99n);
      expect(aead().open(key, sealed, rows, 1, verdicts)).toBe(1);
    },
  );

  test('packets of a peer that are too short to be any are not authentic, and their neighbours are opened', () => {
    const random = new Random(3);
    const key = aead().createKey('aes-128-gcm', random.bytes(16), random.bytes(12));
    const slab = random.bytes(300);
    const rows = new Uint32Array(3 * AEAD_ROW_WORDS);
    writeRow(rows, 1, 100, 5, 100, 1n);
    aead().seal(key, slab, rows.subarray(AEAD_ROW_WORDS), 1);
    const before = slab.slice();
    writeRow(rows, 0, 0, 5, 20, 0n);
    writeRow(rows, 2, 300, 0, 0, 2n);
    const verdicts = new Uint8Array(3).fill(7);
    expect(aead().open(key, slab, rows, 3, verdicts)).toBe(1);
    expect([...verdicts]).toEqual([0, 1, 0]);
    expect(slab.subarray(0, 100)).toEqual(before.subarray(0, 100));
  });

  test('a group with one row outside the slab is refused whole, before anything is written', () => {
    const random = new Random(4);
    const key = aead().createKey('aes-128-gcm', random.bytes(16), random.bytes(12));
    const slab = random.bytes(400);
    const before = slab.slice();
    const rows = new Uint32Array(2 * AEAD_ROW_WORDS);
    writeRow(rows, 0, 0, 5, 100, 0n);
    for (const [offset, clear, bytes] of [
      [301, 5, 100],
      [400, 0, 16],
      [401, 0, 0],
      [0xffff_ffff, 0, 1],
      [1, 0, 0xffff_ffff],
      [0xffff_fff0, 0, 32],
      [0, 5, 20],
      [0, 0xffff_ffff, 100],
      [0, 0, 15],
    ] as const) {
      writeRow(rows, 1, offset, clear, bytes, 1n);
      expect(thrown(() => aead().seal(key, slab, rows, 2)).code).toBe('NATIVE_RANGE');
    }
    expect(slab).toEqual(before);
  });

  test('rows and verdicts inside what they describe are refused', () => {
    const key = aead().createKey('aes-128-gcm', new Uint8Array(16), new Uint8Array(12));
    const memory = new ArrayBuffer(400);
    const rows = new Uint32Array(memory, 0, AEAD_ROW_WORDS);
    writeRow(rows, 0, 0, 0, 16, 1n);
    expect(thrown(() => aead().seal(key, new Uint8Array(memory), rows, 1)).message).toMatch(/inside the slab/);
    const verdicts = new Uint8Array(memory, 2, 1);
    expect(thrown(() => aead().open(key, new Uint8Array(16), rows, 1, verdicts)).message).toMatch(/inside the rows/);
  });

  test('keys and ivs of other lengths, and algorithms that do not exist, are refused', () => {
    const { createKey } = aead();
    for (const [algorithm, key, iv, code] of [
      ['aes-128-gcm', 15, 12, 'NATIVE_RANGE'],
      ['aes-128-gcm', 32, 12, 'NATIVE_RANGE'],
      ['aes-128-gcm', 16, 11, 'NATIVE_RANGE'],
      ['chacha20-poly1305', 16, 12, 'NATIVE_RANGE'],
      ['chacha20-poly1305', 32, 0, 'NATIVE_RANGE'],
      ['aes-256-gcm', 32, 12, 'NATIVE_ARGUMENT'],
      ['', 16, 12, 'NATIVE_ARGUMENT'],
      ['a'.repeat(100), 16, 12, 'NATIVE_RANGE'],
    ] as const) {
      const call = (): unknown => createKey(algorithm as AeadAlgorithm, new Uint8Array(key), new Uint8Array(iv));
      expect(thrown(call).code).toBe(code);
    }
  });
});

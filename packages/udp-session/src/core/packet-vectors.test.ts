import { createCipheriv, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { createNodeCrypto } from '../node/crypto.js';
import { chooseCrypto, loadAddon } from '../node/native.js';
import type { Cipher, PacketGroup } from './crypto.js';
import { HEADER_BYTES, readNumber, writeHeader } from './header.js';
import { KeySchedule } from './key-schedule.js';

interface Vector {
  cipher: Cipher;
  secret: string;
  connectionId: number;
  number: number;
  phase: number;
  payload: string;
  packet: string;
}
const { vectors } = JSON.parse(readFileSync(new URL('../../test/vectors/packet.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

const addon = await loadAddon();

test.each(vectors)('packet $number under $cipher is sealed and opened as the golden one', (vector) => {
  const payload = Buffer.from(vector.payload, 'hex');
  for (const crypto of [createNodeCrypto(), chooseCrypto(addon)]) {
    const keys = new KeySchedule(crypto, vector.cipher, Buffer.from(vector.secret, 'hex'));
    expect(keys.phaseOf(vector.number)).toBe(vector.phase);
    keys.use(vector.phase);
    const group: PacketGroup = {
      slab: new Uint8Array(100),
      offsets: Uint32Array.of(0),
      lengths: Uint32Array.of(HEADER_BYTES + payload.length),
      numbers: Uint32Array.of(vector.number, 0),
      authentic: new Uint8Array(1),
    };
    writeHeader(group.slab, 0, vector.connectionId, vector.number, vector.phase);
    group.slab.set(payload, HEADER_BYTES);
    keys.key(vector.phase)!.seal(group, 0, 1);
    expect(Buffer.from(group.slab.subarray(0, group.lengths[0])).toString('hex')).toBe(vector.packet);
    expect(readNumber(group.slab, 0, vector.number - 1)).toBe(vector.number);
    keys.key(vector.phase)!.open(group, 0, 1);
    expect([group.authentic[0], group.lengths[0]]).toEqual([1, HEADER_BYTES + payload.length]);
    expect(Buffer.from(group.slab.subarray(HEADER_BYTES, group.lengths[0])).toString('hex')).toBe(vector.payload);
  }
});

/** HKDF-Expand with SHA-256 (RFC 5869, section 2.3) for up to 32 bytes: one block. */
function expandOnce(secret: Buffer, info: string, bytes: number): Buffer {
  return createHmac('sha256', secret).update(info).update(Uint8Array.of(1)).digest().subarray(0, bytes);
}

test.each(vectors)('packet $number under $cipher is what docs/UDP.md says, step by step', (vector) => {
  // Nothing of the package is used here: the golden bytes stand on their own.
  let secret: Buffer = Buffer.from(vector.secret, 'hex');
  expect(vector.phase).toBe(Math.floor(vector.number / 2 ** 20));
  for (let phase = 0; phase < vector.phase; phase++) secret = expandOnce(secret, 'millrace udp next', 32);
  const isAes = vector.cipher === 'aes-128-gcm';
  const key = expandOnce(secret, 'millrace udp key', isAes ? 16 : 32);
  const nonce = expandOnce(secret, 'millrace udp iv', 12);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(vector.number));
  for (const [i, byte] of number.entries()) nonce[4 + i]! ^= byte;
  const header = Buffer.from([0x40 | (vector.phase & 3), vector.connectionId, ...number.subarray(5)]);
  const payload = Buffer.from(vector.payload, 'hex');
  const tag = { authTagLength: 16 } as const;
  const cipher = isAes
    ? createCipheriv('aes-128-gcm', key, nonce, tag)
    : createCipheriv('chacha20-poly1305', key, nonce, tag);
  cipher.setAAD(header, { plaintextLength: payload.length });
  const sealed = Buffer.concat([header, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  expect(sealed.toString('hex')).toBe(vector.packet);
});

test('keys of phases far away are not at hand', () => {
  const keys = new KeySchedule(createNodeCrypto(), 'aes-128-gcm', new Uint8Array(32));
  expect([0, 1, 2].map((phase) => keys.key(phase) !== undefined)).toEqual([true, true, false]);
  keys.use(1);
  keys.use(2);
  expect([0, 1, 2, 3, 4].map((phase) => keys.key(phase) !== undefined)).toEqual([false, true, true, true, false]);
});

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

test('keys of phases far away are not at hand', () => {
  const keys = new KeySchedule(createNodeCrypto(), 'aes-128-gcm', new Uint8Array(32));
  expect([0, 1, 2].map((phase) => keys.key(phase) !== undefined)).toEqual([true, true, false]);
  keys.use(1);
  keys.use(2);
  expect([0, 1, 2, 3, 4].map((phase) => keys.key(phase) !== undefined)).toEqual([false, true, true, true, false]);
});

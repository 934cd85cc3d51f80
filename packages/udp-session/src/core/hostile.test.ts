import { expect, test } from 'vitest';

import { createFec } from '../fec/index.js';
import { chooseCrypto, loadAddon } from '../node/native.js';
import type { PacketGroup, SessionCrypto } from './crypto.js';
import { writeU16, writeU32 } from './bytes.js';
import { HEADER_BYTES, TAG_BYTES, writeHeader } from './header.js';
import { ITEM, TIME_BYTES } from './items.js';
import { SessionCore } from './session.js';
import { Random } from '../../test/sim/random.js';

const BOUND = 2 ** 20;
const GROUP = 64;

function makeSession(crypto: SessionCrypto, random: Random): SessionCore {
  const environment = { crypto, fec: createFec(), random: (n: number) => random.bytes(n) };
  const secret = new Uint8Array(32).fill(7);
  const keys = { cipher: 'aes-128-gcm', sendSecret: secret, receiveSecret: secret, localId: 1, peerId: 1 } as const;
  return new SessionCore(environment, keys, { maxReceiveBytes: BOUND, maxSendBytes: BOUND, maxFrames: 64 }, 'peer', 0);
}

/** A session that is used as usual; its memory is looked at after each step. */
function step(session: SessionCore, now: number): void {
  session.handleTimeout(now);
  for (let out = session.pollTransmit(now); out !== undefined; out = session.pollTransmit(now));
  for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
    if (event.type === 'frame') event.release();
  }
  expect(session.heldBytes).toBeLessThanOrEqual(2 * BOUND);
}

test('1,000,000 forged and mutated packets are refused without a throw, and move nothing', async () => {
  const random = new Random(1);
  const crypto = chooseCrypto(await loadAddon());
  const sender = makeSession(crypto, random);
  const session = makeSession(crypto, random);
  const genuine: Uint8Array[] = [];
  sender.sealFrame(random.bytes(100_000), {}, 0);
  for (let now = 0; now < 500; now += 5) {
    for (let out = sender.pollTransmit(now); out !== undefined; out = sender.pollTransmit(now)) {
      for (let i = 0; i < out.count; i++)
        genuine.push(out.slab.slice(out.offsets[i], out.offsets[i]! + out.lengths[i]!));
    }
  }
  const slab = new Uint8Array(GROUP * 2048);
  const offsets = Uint32Array.from({ length: GROUP }, (_, i) => i * 2048);
  const lengths = new Uint32Array(GROUP);
  let changed = 0;
  for (let i = 0; i < 1_000_000; i += GROUP) {
    for (let place = 0; place < GROUP; place++) {
      const known = random.pick(genuine);
      const at = offsets[place]!;
      const length = place % 5 === 0 ? random.int(0, 1500) : known.length;
      const packet = slab.subarray(at, at + length);
      packet.fill(0).set(known.subarray(0, length));
      if (place % 7 === 0) writeHeader(slab, at, 1, random.int(0, 2 ** 40), random.int(0, 3));
      packet[random.int(0, length)] = random.int(0, 255);
      packet[random.int(0, Math.min(length, 80))]! ^= 1 << random.int(0, 7);
      lengths[place] = length;
      if (Buffer.compare(known, packet) !== 0) changed++;
      else lengths[place] = 0;
    }
    session.handleDatagrams({ slab, offsets, lengths, count: GROUP }, 'elsewhere', i / 5000);
    if (i % (16 * GROUP) === 0) step(session, i / 5000);
  }
  expect(changed).toBeGreaterThan(950_000);
  expect(session.stats.packetsReceived).toBe(0);
  expect(session.stats.packetsNotAuthentic + session.stats.packetsForeign).toBeGreaterThanOrEqual(changed);
  expect(session.peer).toBe('peer');
  // The genuine ones are accepted after all that, each once.
  for (const packet of [...genuine, ...genuine]) session.handleDatagram(packet.slice(), 'peer', 300);
  expect(session.stats.packetsReceived).toBe(genuine.length);
  expect(session.stats.packetsReplayed).toBe(genuine.length);
  // A million packets take node:crypto ten seconds, and more where the machine has other work.
}, 120_000);

/** Everything is authentic: what stands in it is what is tested. */
const believing: SessionCrypto = {
  expand: (_secret, _info, bytes) => new Uint8Array(bytes),
  packetKey: () => ({
    seal: ({ lengths }: PacketGroup, from: number, to: number) => {
      for (let i = from; i < to; i++) lengths[i]! += TAG_BYTES;
    },
    open: ({ lengths, authentic }: PacketGroup, from: number, to: number) => {
      for (let i = from; i < to; i++) {
        lengths[i]! -= TAG_BYTES;
        authentic[i] = 1;
      }
    },
  }),
};

test('800,000 authentic packets of nonsense cause no throw and no growth beyond the bound', () => {
  const random = new Random(2);
  let session = makeSession(believing, random);
  let next = 0;
  let malformed = 0;
  let frames = 0;
  const packet = new Uint8Array(1500);
  for (let i = 0; i < 800_000; i++) {
    const now = i / 100;
    if (session.closed) {
      // Nonsense says goodbye, too.
      malformed += session.stats.packetsMalformed;
      frames += session.stats.framesCompleted + session.stats.framesDropped;
      session = makeSession(believing, random);
      next = 0;
    }
    let at = HEADER_BYTES + TIME_BYTES;
    next += random.chance(0.001) ? 500 : 1;
    const number = Math.max(0, next + random.int(-50, 50));
    writeHeader(packet, 0, 1, number, Math.floor(number / 2 ** 20));
    writeU32(packet, HEADER_BYTES, random.int(0, 2 ** 32 - 1));
    for (let items = random.int(1, 3); items > 0; items--) {
      const type = random.int(0, ITEM.close - (random.chance(0.9999) ? 1 : 0));
      packet[at] = type;
      for (let byte = 1; byte < 60; byte++) packet[at + byte] = random.chance(0.5) ? 0 : random.int(0, 255);
      if (type === ITEM.shard) {
        writeU32(packet, at + 1, random.int(0, random.chance(0.01) ? 2 ** 32 - 1 : Math.floor(i / 50) + 5));
        writeU32(packet, at + 5, random.int(0, random.pick([100, 5000, 1_000_000, 2 ** 32 - 1])));
        writeU16(packet, at + 9, random.int(0, random.pick([2, 100, 65_535])));
        packet[at + 11] = random.int(0, random.pick([1, 4, 255]));
        packet[at + 12] = random.int(0, random.pick([1, 4, 255]));
        packet[at + 13] = random.int(0, random.pick([0, 10, 255]));
        packet[at + 14] = 0;
      } else if (type === ITEM.event || type === ITEM.datagram) {
        writeU32(packet, at + 1, random.int(0, 400));
        writeU16(packet, at + 5, random.int(0, 60));
      }
      at += random.pick([1, 3, 9, 17, 59, 200]);
    }
    session.handleDatagram(packet.subarray(0, Math.min(1500, at + TAG_BYTES + random.int(0, 100))), 'peer', now);
    if (i % 50 === 0) {
      if (i % 500 === 0 && !session.closed) session.sealFrame(new Uint8Array(20_000), { deadlineMs: 50 }, now);
      step(session, now);
    }
  }
  expect(malformed).toBeGreaterThan(100_000);
  expect(frames).toBeGreaterThan(1000);
});

test('1,000,000 packets permuted within the window are each taken once by a session, and their copies never', () => {
  const random = new Random(3);
  const session = makeSession(believing, random);
  const reach = 1000;
  const packet = new Uint8Array(HEADER_BYTES + TIME_BYTES + 1 + TAG_BYTES);
  const take = (number: number): void => {
    writeHeader(packet, 0, 1, number, Math.floor(number / 2 ** 20));
    session.handleDatagram(packet, 'peer', number / 1000);
  };
  for (let base = 0; base < 1_000_000; base += reach) {
    const numbers = Uint32Array.from({ length: reach }, (_, i) => base + i);
    for (let i = reach - 1; i > 0; i--) {
      const other = random.int(0, i);
      [numbers[i], numbers[other]] = [numbers[other]!, numbers[i]!];
    }
    for (const number of numbers) {
      take(number);
      if (number % 4 === 0) take(number);
    }
    step(session, base / 1000);
  }
  expect([session.stats.packetsReceived, session.stats.packetsReplayed]).toEqual([1_000_000, 250_000]);
});

import { array, assert, boolean, integer, maxSafeNat, nat, property, record, string, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';

import { millrace } from '../../gen/millrace.js';
import { decodePacket, encodePacket, type PacketValue } from './index.js';

const range = record({ from: nat(1000), length: nat(1000) }).map(({ from, length }) => ({ from, to: from + length }));
/** ASCII: the generated codec writes lone surrogates in a way of its own. */
const text = string({ maxLength: 20 });
const datagram = record(
  { n: maxSafeNat(), d: uint8Array({ maxLength: 200 }), host: text, port: integer({ min: 1, max: 65_535 }) },
  { requiredKeys: ['n', 'd'] },
);
const segment = record(
  {
    sid: maxSafeNat(),
    open: record({ host: text, port: integer({ min: 1, max: 65_535 }), kind: nat(1) }),
    opened: record({ code: text, address: text }, { requiredKeys: ['code'] }),
    off: maxSafeNat(),
    d: uint8Array({ maxLength: 300 }),
    fin: boolean(),
    rst: text,
    ack: maxSafeNat(),
    credit: maxSafeNat(),
    datagrams: array(datagram, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['sid'] },
);
const packet = record(
  {
    n: maxSafeNat(),
    cid: uint8Array({ minLength: 16, maxLength: 16 }),
    epoch: uint8Array({ minLength: 12, maxLength: 12 }),
    answers: maxSafeNat(),
    again: boolean(),
    got: array(range, { minLength: 1, maxLength: 4 }),
    lost: array(range, { minLength: 1, maxLength: 4 }),
    hold: nat(2 ** 32 - 1),
    max: nat(2 ** 32 - 1),
    caps: nat(),
    segments: array(segment, { minLength: 1, maxLength: 4 }),
    more: maxSafeNat(),
  },
  { requiredKeys: ['n', 'cid'] },
);

test('packets are the very bytes that the codec generated from the schema writes and reads', () => {
  assert(
    property(packet, (given) => {
      const value = given as PacketValue;
      const bytes = encodePacket(value);
      expect(Buffer.compare(bytes, millrace.Packet.encode(value).finish())).toBe(0);
      expect(Buffer.compare(bytes, millrace.Packet.encode(millrace.Packet.decode(bytes)).finish())).toBe(0);
      expect(decodePacket(bytes)).toEqual(value);
    }),
    { numRuns: 1000 },
  );
});

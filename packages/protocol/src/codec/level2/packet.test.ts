import {
  array,
  assert,
  boolean,
  constant,
  integer,
  maxSafeNat,
  nat,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, test } from 'vitest';

import { LIMITS } from '../../index.js';
import { decodePacket, encodePacket, type PacketValue } from './index.js';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

const size = (length: number) => uint8Array({ minLength: length, maxLength: length });
const range = record({ from: nat(1000), length: nat(1000) }).map(({ from, length }) => ({ from, to: from + length }));
const host = string({ unit: 'binary', maxLength: 40 });
const datagram = record(
  { n: maxSafeNat(), d: uint8Array({ maxLength: 40 }), host, port: integer({ min: 1, max: 65_535 }) },
  { requiredKeys: ['n', 'd'] },
);
const segment = record(
  {
    sid: maxSafeNat(),
    open: record({ host, port: integer({ min: 1, max: 65_535 }), kind: nat(1) }),
    opened: record({ code: string({ maxLength: 20 }), address: string({ maxLength: 20 }) }, { requiredKeys: ['code'] }),
    off: maxSafeNat(),
    d: uint8Array({ maxLength: 40 }),
    fin: boolean(),
    rst: string({ maxLength: 20 }),
    ack: maxSafeNat(),
    credit: maxSafeNat(),
    datagrams: array(datagram, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['sid'] },
);
const packet = record(
  {
    n: maxSafeNat(),
    cid: size(16),
    epoch: size(12),
    answers: maxSafeNat(),
    again: boolean(),
    got: array(range, { minLength: 1, maxLength: 4 }),
    lost: array(range, { minLength: 1, maxLength: 4 }),
    hold: nat(2 ** 32 - 1),
    max: constant(2 ** 32 - 1),
    caps: nat(),
    segments: array(segment, { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: ['n', 'cid'] },
);

/** Lone surrogates have no UTF-8. */
const tidy = (value: unknown): unknown => {
  if (typeof value === 'string') return Buffer.from(value).toString();
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => tidy(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tidy(item)]));
};

test('what is encoded decodes to the same', () => {
  assert(
    property(packet, (value) => {
      expect(decodePacket(encodePacket(value as PacketValue))).toEqual(tidy(value));
    }),
    { numRuns: 1000 },
  );
});

/** Fields as bytes, so that a packet can be put together that no encoder makes. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const field = {
  varint: (number: number, value: number) => [...varint(number * 8), ...varint(value)],
  bytes: (number: number, bytes: number[]) => [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes],
};

const head: PacketValue = { n: 1, cid: new Uint8Array(16) };
const headBytes = encodePacket(head);
const withSegment = (...parts: number[][]) =>
  Uint8Array.from([...headBytes, ...field.bytes(11, [...field.varint(1, 1), ...parts.flat()])]);

describe('decoded bytes', () => {
  test('are views of the body, plain ones also where the body is a Buffer', () => {
    const encoded = Buffer.from(encodePacket({ ...head, segments: [{ sid: 1, off: 0, d: Uint8Array.of(1, 2, 3) }] }));
    const d = decodePacket(encoded).segments?.at(0)?.d;
    expect(d).toEqual(Uint8Array.of(1, 2, 3));
    expect(Buffer.isBuffer(d)).toBe(false);
    expect(d?.buffer).toBe(encoded.buffer);
  });

  test('are right where the body lies within a larger buffer', () => {
    const encoded = encodePacket({ ...head, segments: [{ sid: 1, d: Uint8Array.of(7) }] });
    const larger = new Uint8Array(encoded.length + 10).fill(0xff);
    larger.set(encoded, 5);
    expect(decodePacket(larger.subarray(5, 5 + encoded.length)).segments?.at(0)?.d).toEqual(Uint8Array.of(7));
  });
});

const repeat = (bytes: number[], count: number): number[] => Array.from({ length: count }, () => bytes).flat();
const packetWith = (extra: number[]) => Uint8Array.from([...headBytes, ...extra]);
const datagramOf = (length: number) =>
  withSegment(
    field.bytes(10, [
      ...field.varint(1, 0),
      ...field.bytes(
        2,
        Array.from({ length }, () => 0),
      ),
    ]),
  );

describe('bounds are seen before anything is allocated', () => {
  const range1 = field.bytes(6, [...field.varint(1, 1), ...field.varint(2, 1)]);
  const segment1 = field.bytes(11, field.varint(1, 1));
  const datagram1 = field.bytes(10, [...field.varint(1, 1), ...field.bytes(2, [])]);

  test('ranges', () => {
    expect(decodePacket(packetWith(repeat(range1, LIMITS.maxPacketRanges))).got).toHaveLength(LIMITS.maxPacketRanges);
    expect(() => decodePacket(packetWith(repeat(range1, LIMITS.maxPacketRanges + 1)))).toThrow(
      'Packet.got: more than 1024',
    );
  });

  test('segments', () => {
    const most = packetWith(repeat(segment1, LIMITS.maxPacketSegments));
    expect(decodePacket(most).segments).toHaveLength(LIMITS.maxPacketSegments);
    expect(() => decodePacket(Uint8Array.from([...most, ...segment1]))).toThrow('Packet.segments: more than 4096');
  });

  test('datagrams of a segment', () => {
    const most = withSegment(repeat(datagram1, LIMITS.maxSegmentDatagrams));
    expect(decodePacket(most).segments?.at(0)?.datagrams).toHaveLength(LIMITS.maxSegmentDatagrams);
    const more = withSegment(repeat(datagram1, LIMITS.maxSegmentDatagrams + 1));
    expect(() => decodePacket(more)).toThrow('Segment.datagrams: more than 1024');
  });

  test('datagrams of a packet', () => {
    const full = field.bytes(11, [...field.varint(1, 1), ...repeat(datagram1, LIMITS.maxSegmentDatagrams)]);
    const count = LIMITS.maxPacketDatagrams / LIMITS.maxSegmentDatagrams;
    expect(decodePacket(packetWith(repeat(full, count))).segments).toHaveLength(count);
    expect(() => decodePacket(packetWith(repeat(full, count + 1)))).toThrow('Packet: has more than 16384 datagrams');
  });

  test('the size of a datagram', () => {
    expect(decodePacket(datagramOf(LIMITS.maxDatagramBytes)).segments).toHaveLength(1);
    expect(() => decodePacket(datagramOf(LIMITS.maxDatagramBytes + 1))).toThrow(
      'SegmentDatagram.d: must have at most 65507',
    );
  });

  test('a length that promises more than there is', () => {
    const promise = Uint8Array.from([...headBytes, ...varint(11 * 8 + 2), ...varint(2 ** 31)]);
    expect(() => decodePacket(promise)).toThrow('Packet.segments: is cut off');
  });

  test('a packet larger than any body', () => {
    expect(() => decodePacket(new Uint8Array(LIMITS.maxBodyBytes + 1))).toThrow(code('PACKET_INVALID'));
  });
});

describe('what no receiver takes is not encoded', () => {
  const cid = new Uint8Array(16);
  test.each<[string, unknown, string]>([
    ['no number', { cid }, 'Packet.n: missing'],
    ['a short cid', { n: 1, cid: new Uint8Array(15) }, 'Packet.cid: must have 16 bytes, has 15'],
    ['a cid that is text', { n: 1, cid: 'AAAAAAAAAAAAAAAA' }, 'Packet.cid: must be bytes'],
    ['a negative number', { n: -1, cid }, 'Packet.n: must be from 0 to'],
    ['a fraction', { n: 1.5, cid }, 'Packet.n: must be from 0 to'],
    ['a bigint', { n: 1n, cid }, 'Packet.n: must be from 0 to'],
    ['an unsafe number', { n: 2 ** 53, cid }, 'Packet.n: must be from 0 to'],
    ['a wide hold', { n: 1, cid, hold: 2 ** 32 }, 'Packet.hold: must be from 0 to 4294967295'],
    [
      'port 0',
      { n: 1, cid, segments: [{ sid: 1, open: { host: 'a', port: 0, kind: 0 } }] },
      'SegmentOpen.port: must be from 1',
    ],
    [
      'a long host',
      { n: 1, cid, segments: [{ sid: 1, open: { host: 'é'.repeat(128), port: 1, kind: 0 } }] },
      'SegmentOpen.host: must have at most 255 bytes, has 256',
    ],
    ['a reset that is no text', { n: 1, cid, segments: [{ sid: 1, rst: 5 }] }, 'Segment.rst: must be a string'],
    ['an end that is no boolean', { n: 1, cid, segments: [{ sid: 1, fin: 1 }] }, 'Segment.fin: must be true or false'],
    [
      'a range that ends before it begins',
      { n: 1, cid, got: [{ from: 2, to: 1 }] },
      'PacketRange: ends before it begins',
    ],
    [
      'too many ranges',
      { n: 1, cid, lost: Array.from({ length: 1025 }, () => ({ from: 1, to: 1 })) },
      'Packet.lost: more than 1024',
    ],
    [
      'too many datagrams',
      {
        n: 1,
        cid,
        segments: Array.from({ length: 17 }, () => ({
          sid: 1,
          datagrams: Array.from({ length: 1024 }, () => ({ n: 1, d: new Uint8Array() })),
        })),
      },
      'Packet: has more than 16384 datagrams',
    ],
  ])('%s', (_, value, message) => {
    expect(() => encodePacket(value as PacketValue)).toThrow(code('PACKET_INVALID'));
    expect(() => encodePacket(value as PacketValue)).toThrow(message);
  });
});

test('empty lists are not written', () => {
  expect(encodePacket({ ...head, got: [], segments: [] })).toEqual(headBytes);
});

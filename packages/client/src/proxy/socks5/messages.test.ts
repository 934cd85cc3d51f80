import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Socks5FormatError, decodeAddress, encodeAddress } from './address.js';
import { decodeDatagram, encodeDatagram } from './datagram.js';
import { MAX_MESSAGE_BYTES, readGreeting, readPassword, readRequest } from './messages.js';

const READERS = { readGreeting, readPassword, readRequest };

test.each(Object.entries(READERS))('%s never throws anything but a format error, whatever the bytes', (_name, read) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      try {
        const message = read(Buffer.from(bytes));
        expect(message?.length ?? 0).toBeLessThanOrEqual(Math.min(bytes.length, MAX_MESSAGE_BYTES));
        if (bytes.length >= MAX_MESSAGE_BYTES) expect(message).toBeDefined();
      } catch (error) {
        expect(error).toBeInstanceOf(Socks5FormatError);
      }
    }),
    { numRuns: 2000 },
  );
});

test.each(Object.entries(READERS))('%s answers the same however the bytes are split', (name, read) => {
  const whole = Buffer.from(
    { readGreeting: '05030001 02aa', readPassword: '01026d65 03616263 bb', readRequest: '05010003 03612e62 0050 cc' }[
      name
    ]!.replaceAll(' ', ''),
    'hex',
  );
  for (let length = 0; length < whole.length - 1; length++) expect(read(whole.subarray(0, length))).toBeUndefined();
  expect(read(whole)).toEqual(read(whole.subarray(0, -1)));
  expect(read(whole)?.length).toBe(whole.length - 1);
});

test('addresses of all kinds survive writing and reading', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      const bytes = encodeAddress(name, port);
      const read = decodeAddress(bytes, 0);
      expect(read).toMatchObject({ port, length: bytes.length });
      expect(encodeAddress(read!.host, port)).toEqual(bytes);
    }),
  );
});

test('a name too long to be written becomes the unspecified address', () => {
  expect(decodeAddress(encodeAddress('a'.repeat(256), 7), 0)).toEqual({ host: '0.0.0.0', port: 7, length: 7 });
});

test('IPv6 addresses are written in full, with the zone left out', () => {
  expect(encodeAddress('fe80::1%eth0', 0).toString('hex')).toBe('04fe8000000000000000000000000000010000');
  expect(encodeAddress('::ffff:192.0.2.1', 0).toString('hex')).toBe('0400000000000000000000ffffc00002010000');
  expect(encodeAddress('::', 0).toString('hex')).toBe(`04${'00'.repeat(18)}`);
});

test('a datagram survives writing and reading, and one of no bytes too', () => {
  for (const data of [Buffer.from('data'), Buffer.alloc(0)]) {
    const datagram = { host: 'example.org', port: 53, data };
    expect(decodeDatagram(encodeDatagram(datagram))).toEqual(datagram);
  }
});

test('fragments, broken headers and port 0 are dropped', () => {
  const good = encodeDatagram({ host: '192.0.2.1', port: 53, data: Buffer.from('data') });
  const fragment = Buffer.from(good);
  fragment[2] = 1;
  expect(decodeDatagram(fragment)).toBeUndefined();
  for (let length = 0; length < 10; length++) expect(decodeDatagram(good.subarray(0, length))).toBeUndefined();
  expect(decodeDatagram(Buffer.from([0, 0, 0, 9, 1, 2, 3, 4, 0, 53]))).toBeUndefined();
  expect(decodeDatagram(encodeDatagram({ host: '192.0.2.1', port: 0, data: Buffer.alloc(1) }))).toBeUndefined();
});

test('reading datagrams throws for no bytes at all', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeDatagram(Buffer.from(bytes))));
});

import { describe, expect, test } from 'vitest';

import { ADDRESS_BYTES, readAddress, writeAddress } from './address.js';
import type { NativeError } from './error.js';

describe('addresses', () => {
  test.each([
    ['127.0.0.1', 4],
    ['255.255.255.255', 4],
    ['::', 6],
    ['::1', 6],
    ['1::', 6],
    ['2001:db8::1', 6],
    ['2001:db8:0:1:1:1:1:1', 6],
    ['2001:0:0:1::1', 6],
    ['1:2:3:4:5:6:7:8', 6],
    ['fe80::1%3', 6],
    ['fe80::1%4294967295', 6],
  ] as const)('%s is read as it was written', (address, family) => {
    const table = new Uint8Array(3 * ADDRESS_BYTES).fill(0xa5);
    writeAddress(table, 1, address, 65_535);
    expect(readAddress(table, 1)).toEqual({ family, address, port: 65_535 });
    expect(table.subarray(0, ADDRESS_BYTES).every((byte) => byte === 0xa5)).toBe(true);
    expect(table.subarray(2 * ADDRESS_BYTES).every((byte) => byte === 0xa5)).toBe(true);
  });

  test('an IPv6 address that ends in an IPv4 one, and one in capitals with zeros, get their short form', () => {
    const table = new Uint8Array(ADDRESS_BYTES);
    writeAddress(table, 0, '64:ff9b::192.0.2.33', 1);
    expect(readAddress(table, 0).address).toBe('64:ff9b::c000:221');
    writeAddress(table, 0, '2001:0DB8:0000:0000:0000:0000:0000:00AB', 1);
    expect(readAddress(table, 0).address).toBe('2001:db8::ab');
  });

  test.each(['', 'localhost', '1.2.3', '1.2.3.4.5', '::1%lo', '::1%-1', '::1%4294967296', ':::', '1.2.3.4%x'])(
    '%j is refused',
    (address) => {
      let code: string | undefined;
      try {
        writeAddress(new Uint8Array(ADDRESS_BYTES), 0, address, 1);
      } catch (error) {
        code = (error as NativeError).code;
      }
      expect(code).toBe('NATIVE_ARGUMENT');
    },
  );

  test('entries outside the table, ports outside the range, and entries that are no address are refused', () => {
    const table = new Uint8Array(ADDRESS_BYTES);
    for (const index of [-1, 1, 0.5, Number.NaN]) expect(() => writeAddress(table, index, '::', 1)).toThrow(/no room/);
    for (const port of [-1, 65_536, 1.5]) expect(() => writeAddress(table, 0, '::', port)).toThrow(/0 to 65535/);
    expect(() => readAddress(table, 0)).toThrow(/no address 0/);
    expect(() => readAddress(table, 1)).toThrow(/no address 1/);
  });
});

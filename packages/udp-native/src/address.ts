import { isIPv4, isIPv6 } from 'node:net';

import { NativeError } from './error.js';

/**
 * Bytes of an address in a table of addresses: family (4 or 6), 0, port (big-endian), 16 bytes of address (an IPv4 address
 * in the first four, the rest 0), scope id (little-endian).
 */
export const ADDRESS_BYTES = 24;

/** An address as text. IPv4-mapped IPv6 addresses are given as IPv4; a scope id stands behind `%`, as a number. */
export interface SocketAddress {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
}

/** Writes entry `index` of a table. Throws `NATIVE_ARGUMENT` for what is no numeric address, `NATIVE_RANGE` for the rest. */
export function writeAddress(table: Uint8Array, index: number, address: string, port: number): void {
  const at = index * ADDRESS_BYTES;
  if (!Number.isInteger(index) || index < 0 || at + ADDRESS_BYTES > table.length) {
    throw new NativeError('NATIVE_RANGE', `there is no room for address ${index}`);
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new NativeError('NATIVE_RANGE', `a port is 0 to 65535, not ${port}`);
  }
  const [plain, scope = 0] = splitScope(address);
  const bytes = isIPv4(plain) ? plain.split('.').map(Number) : isIPv6(plain) ? parseIpv6(plain) : undefined;
  if (bytes === undefined || !(Number.isInteger(scope) && scope >= 0 && scope < 2 ** 32)) {
    throw new NativeError('NATIVE_ARGUMENT', `${address} is not a numeric address`);
  }
  table.fill(0, at, at + ADDRESS_BYTES);
  table[at] = bytes.length === 4 ? 4 : 6;
  table[at + 2] = port >> 8;
  table[at + 3] = port & 255;
  table.set(bytes, at + 4);
  for (let i = 0; i < 4; i++) table[at + 20 + i] = (scope >>> (8 * i)) & 255;
}

/** Reads entry `index` of a table that this package filled. */
export function readAddress(table: Uint8Array, index: number): SocketAddress {
  const entry = table.subarray(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES);
  if (entry.length < ADDRESS_BYTES || (entry[0] !== 4 && entry[0] !== 6)) {
    throw new NativeError('NATIVE_RANGE', `there is no address ${index}`);
  }
  const port = (entry[2]! << 8) | entry[3]!;
  if (entry[0] === 4) return { family: 4, address: entry.subarray(4, 8).join('.'), port };
  const scope = (entry[20]! | (entry[21]! << 8) | (entry[22]! << 16) | (entry[23]! << 24)) >>> 0;
  return { family: 6, address: formatIpv6(entry.subarray(4, 20)) + (scope === 0 ? '' : `%${scope}`), port };
}

function splitScope(address: string): [string, number?] {
  const percent = address.indexOf('%');
  if (percent < 0) return [address];
  const scope = address.slice(percent + 1);
  return [address.slice(0, percent), /^\d+$/.test(scope) ? Number(scope) : -1];
}

function parseIpv6(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const front = parseGroups(head);
  const back = tail === undefined ? [] : parseGroups(tail);
  const zeros = Array.from<number>({ length: 16 - front.length - back.length }).fill(0);
  return [...front, ...zeros, ...back];
}

/** The bytes of groups between colons, of which the last may be an IPv4 address. */
function parseGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** RFC 5952: no leading zeros, the first longest run of at least two zero groups shortened. */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  let start = 0;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let end = from;
    while (end < 8 && groups[end] === '0') end++;
    if (end - from > length) [start, length] = [from, end - from];
  }
  if (length === 1) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

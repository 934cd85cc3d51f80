import { isIPv4, isIPv6 } from 'node:net';

/** A SOCKS5 address that was read, and how many bytes it took. */
export interface DecodedAddress {
  host: string;
  port: number;
  length: number;
}

const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** Bytes that a SOCKS5 message breaks the rules with. `reply` is what RFC 1928 has for it. */
export class Socks5FormatError extends Error {
  readonly reply: number;

  constructor(reply: number, message: string) {
    super(message);
    this.reply = reply;
  }
}

/**
 * Reads `ATYP ADDR PORT` (RFC 1928, section 5).
 * @returns undefined while bytes are missing.
 * @throws Socks5FormatError with reply 8 for an unknown type, 1 for a name that is none.
 */
export function decodeAddress(bytes: Buffer, offset: number): DecodedAddress | undefined {
  if (bytes.length < offset + 2) return undefined;
  const type = bytes[offset];
  const start = offset + (type === NAME ? 2 : 1);
  const size = addressSize(type, bytes[offset + 1]!);
  const end = start + size;
  if (bytes.length < end + 2) return undefined;
  const part = bytes.subarray(start, end);
  const host = type === NAME ? readName(part) : type === IPV4 ? part.join('.') : readIPv6(part);
  return { host, port: bytes.readUInt16BE(end), length: end + 2 - offset };
}

/** Writes `ATYP ADDR PORT`. Names of more than 255 bytes cannot be written and become the unspecified address. */
export function encodeAddress(host: string, port: number): Buffer {
  const tail = Buffer.from([port >> 8, port & 0xff]);
  if (isIPv4(host)) return Buffer.concat([Buffer.from([IPV4]), ipv4Bytes(host), tail]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([IPV6]), ipv6Bytes(host), tail]);
  const name = Buffer.from(host);
  if (name.length === 0 || name.length > 255) return encodeAddress('0.0.0.0', port);
  return Buffer.concat([Buffer.from([NAME, name.length]), name, tail]);
}

function addressSize(type: number | undefined, nameLength: number): number {
  if (type === IPV4) return 4;
  if (type === IPV6) return 16;
  if (type === NAME) return nameLength;
  throw new Socks5FormatError(8, `address type ${type} does not exist`);
}

function readName(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  // Control characters, spaces and broken UTF-8 belong to no name; they would end up in messages and requests.
  // oxlint-disable-next-line no-control-regex
  if (name === '' || /[\u0000-\u0020\u007f\ufffd]/.test(name)) {
    throw new Socks5FormatError(1, 'the target name is empty or holds characters that no name has');
  }
  // Some programs write address literals as names, IPv6 ones in brackets.
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}

function readIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function ipv4Bytes(host: string): Buffer {
  return Buffer.from(host.split('.').map(Number));
}

function ipv6Bytes(host: string): Buffer {
  const [address = ''] = host.split('%');
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const head = groups[0] ? groups[0].split(':') : [];
  const tail = groups[1] ? groups[1].split(':') : [];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...head, ...zeros, ...tail].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i);
  return bytes;
}

/**
 * The messages of SOCKS5 (RFC 1928) and of its user/password method (RFC 1929), push style: each reader takes what has
 * come so far and answers undefined while bytes are missing. None needs more than `MAX_MESSAGE_BYTES`.
 */
import { Socks5FormatError, decodeAddress, encodeAddress } from './address.js';

/** The longest message is an RFC 1929 request: version, two lengths, two fields of 255 bytes. */
export const MAX_MESSAGE_BYTES = 513;

export const VERSION = 5;
export const METHOD = { none: 0, password: 2, unacceptable: 0xff } as const;
export const COMMAND = { connect: 1, bind: 2, udpAssociate: 3 } as const;

/** A message that was read, and how many bytes it took. */
export interface Read<T> {
  value: T;
  length: number;
}

export interface Socks5Request {
  command: number;
  host: string;
  port: number;
}

/** `VER NMETHODS METHODS`. The version was looked at before. */
export function readGreeting(bytes: Buffer): Read<number[]> | undefined {
  if (bytes.length < 2) return undefined;
  const length = 2 + bytes[1]!;
  return bytes.length < length ? undefined : { value: [...bytes.subarray(2, length)], length };
}

/** `VER ULEN UNAME PLEN PASSWD` (RFC 1929). */
export function readPassword(bytes: Buffer): Read<{ user: Buffer; password: Buffer }> | undefined {
  if (bytes.length >= 1 && bytes[0] !== 1)
    throw new Socks5FormatError(1, `version ${bytes[0]} of RFC 1929 does not exist`);
  if (bytes.length < 2) return undefined;
  const userEnd = 2 + bytes[1]!;
  if (bytes.length < userEnd + 1) return undefined;
  const length = userEnd + 1 + bytes[userEnd]!;
  if (bytes.length < length) return undefined;
  return { value: { user: bytes.subarray(2, userEnd), password: bytes.subarray(userEnd + 1, length) }, length };
}

/** `VER CMD RSV ATYP ADDR PORT`. */
export function readRequest(bytes: Buffer): Read<Socks5Request> | undefined {
  if (bytes.length >= 1 && bytes[0] !== VERSION)
    throw new Socks5FormatError(1, `the request is of version ${bytes[0]}`);
  if (bytes.length < 4) return undefined;
  const address = decodeAddress(bytes, 3);
  if (!address) return undefined;
  return { value: { command: bytes[1]!, host: address.host, port: address.port }, length: 3 + address.length };
}

/** `VER METHOD`. */
export function methodReply(method: number): Buffer {
  return Buffer.from([VERSION, method]);
}

/** `VER STATUS` (RFC 1929). */
export function passwordReply(ok: boolean): Buffer {
  return Buffer.from([1, ok ? 0 : 1]);
}

/**
 * `VER REP RSV ATYP ADDR PORT`. After CONNECT the address is unspecified: the one that the target sees belongs to the
 * node, which does not tell it.
 */
export function reply(code: number, host = '0.0.0.0', port = 0): Buffer {
  return Buffer.concat([Buffer.from([VERSION, code, 0]), encodeAddress(host, port)]);
}

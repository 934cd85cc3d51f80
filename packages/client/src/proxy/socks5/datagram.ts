import { Socks5FormatError, decodeAddress, encodeAddress } from './address.js';

/** A datagram with the target it goes to, or the source it comes from. */
export interface Datagram {
  host: string;
  port: number;
  data: Uint8Array;
}

/**
 * Reads the UDP request header (RFC 1928, section 7): `RSV FRAG ATYP ADDR PORT DATA`.
 * @returns undefined for what has to be dropped: fragments, which this proxy does not put together, and broken headers.
 */
export function decodeDatagram(bytes: Buffer): Datagram | undefined {
  if (bytes.length < 4 || bytes[2] !== 0) return undefined;
  try {
    const address = decodeAddress(bytes, 3);
    if (!address || address.port === 0) return undefined;
    return { host: address.host, port: address.port, data: bytes.subarray(3 + address.length) };
  } catch (error) {
    if (error instanceof Socks5FormatError) return undefined;
    throw error;
  }
}

/** Writes a datagram with its header. */
export function encodeDatagram({ host, port, data }: Datagram): Buffer {
  return Buffer.concat([Buffer.alloc(3), encodeAddress(host, port), data]);
}

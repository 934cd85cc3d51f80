/** The ciphers of a session. Both have 12-byte nonces and 16-byte tags. */
export type Cipher = 'aes-128-gcm' | 'chacha20-poly1305';

/** Bytes of a cipher's key. */
export const KEY_BYTES: Readonly<Record<Cipher, number>> = { 'aes-128-gcm': 16, 'chacha20-poly1305': 32 };
/** Bytes of a direction's secret. */
export const SECRET_BYTES = 32;
export const NONCE_BYTES = 12;

/** A group of packets in one slab. Packet i begins at `offsets[i]`. */
export interface PacketGroup {
  readonly slab: Uint8Array;
  readonly offsets: Uint32Array;
  /** Bytes of each packet: header, what is sealed, and, once it is sealed, the tag. */
  readonly lengths: Uint32Array;
  /** The packet numbers, two entries each: the low 32 bits, then the high ones. */
  readonly numbers: Uint32Array;
  /** 1 where the packet was opened, 0 where it is not authentic. */
  readonly authentic: Uint8Array;
}

/**
 * One key of one direction. Both calls work in place on packets `from` up to but without `to` of a group. The first 5 bytes
 * of each are the associated data; the nonce is the key's `iv`, its last 8 bytes combined by exclusive-or with the packet
 * number (big-endian, 64 bits).
 */
export interface PacketKey {
  /** Seals, writes the tag behind each packet, and adds its 16 bytes to `lengths`. */
  seal(group: PacketGroup, from: number, to: number): void;
  /** Opens; sets `authentic`, and takes 16 from `lengths` where it is 1. The bytes of others are worth nothing afterwards. */
  open(group: PacketGroup, from: number, to: number): void;
}

/** The cryptography of the outside: node:crypto, the native addon, or another. Calls return at once. */
export interface SessionCrypto {
  /** HKDF-Expand with SHA-256 (RFC 5869) of a 32-byte secret. */
  expand(secret: Uint8Array, info: Uint8Array, bytes: number): Uint8Array;
  packetKey(cipher: Cipher, key: Uint8Array, iv: Uint8Array): PacketKey;
}

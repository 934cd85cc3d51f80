/** Algorithms of RFC 9001, section 5.3: keys of 16 and of 32 bytes, an iv of 12, tags of 16. */
export type AeadAlgorithm = 'aes-128-gcm' | 'chacha20-poly1305';

/** Bytes of the tag at the end of every sealed packet. */
export const TAG_BYTES = 16;

/** Words of a row that describes a packet to `seal` and `open`. */
export const AEAD_ROW_WORDS = 5;

declare const keyBrand: unique symbol;

/** A key in native memory, wiped when it is collected. */
export interface AeadKey {
  readonly [keyBrand]: true;
}

/**
 * Seals and opens packets in place, a group per call. Row i of a group is the `AEAD_ROW_WORDS` words from 5 i on:
 *
 * | word | |
 * | --- | --- |
 * | 0 | offset of the packet in the slab |
 * | 1 | bytes at its front that stay clear and are authenticated (associated data) |
 * | 2 | bytes of the whole packet: clear bytes, text, tag |
 * | 3, 4 | packet number, low and high 32 bits |
 *
 * The nonce is the iv exclusive-or the packet number as 8 big-endian bytes at its end (RFC 9001, section 5.3). No number may
 * be sealed twice under one key: the caller sees to that. Neither slab nor rows may be shared memory, nor may they overlap.
 */
export interface NativeAead {
  /** What this runtime can do. */
  readonly algorithms: readonly AeadAlgorithm[];

  /** Makes the key of one direction. Throws `NATIVE_RANGE` for wrong lengths, `NATIVE_UNSUPPORTED` for what cannot be done. */
  createKey(algorithm: AeadAlgorithm, key: Uint8Array, iv: Uint8Array): AeadKey;

  /**
   * Encrypts the text of `count` packets and writes the tags behind. Throws `NATIVE_RANGE`, with nothing written, when a row
   * lies outside the slab or is too short for its clear bytes and the tag.
   */
  seal(key: AeadKey, slab: Uint8Array, rows: Uint32Array, count: number): void;

  /**
   * Decrypts the text of `count` packets, writes 1 to `verdicts[i]` for each that is authentic and 0 for others, and returns
   * how many are. The text of one that is not is wiped, never left deciphered. A packet too short for its clear bytes and the
   * tag is not authentic; one outside the slab throws `NATIVE_RANGE`, with nothing written.
   */
  open(key: AeadKey, slab: Uint8Array, rows: Uint32Array, count: number, verdicts: Uint8Array): number;
}

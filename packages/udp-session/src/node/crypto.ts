import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

import {
  HEADER_BYTES,
  NONCE_BYTES,
  TAG_BYTES,
  type Cipher,
  type PacketGroup,
  type PacketKey,
  type SessionCrypto,
} from '../core/index.js';

/** Only CCM looks at it, but the types ask for it. */
const LENGTH = { plaintextLength: 0 } as const;
const TAG = { authTagLength: TAG_BYTES } as const;

/** The cryptography of a session by node:crypto: what runs where the native addon does not. */
export function createNodeCrypto(): SessionCrypto {
  return { expand, packetKey: (cipher, key, iv) => new NodePacketKey(cipher, key, iv) };
}

function expand(secret: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  let block = new Uint8Array(0);
  for (let at = 0, count = 1; at < bytes; at += block.length, count++) {
    block = new Uint8Array(
      createHmac('sha256', secret).update(block).update(info).update(Uint8Array.of(count)).digest(),
    );
    output.set(block.subarray(0, bytes - at), at);
  }
  return output;
}

class NodePacketKey implements PacketKey {
  // The types tell the ciphers apart by name; both take the same here.
  readonly #cipher: 'chacha20-poly1305';
  // A KeyObject: a raw key is parsed again for each packet.
  readonly #key: KeyObject;
  readonly #iv: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE_BYTES);

  constructor(cipher: Cipher, key: Uint8Array, iv: Uint8Array) {
    this.#cipher = cipher as 'chacha20-poly1305';
    this.#key = createSecretKey(key);
    this.#iv = new Uint8Array(iv);
  }

  seal(group: PacketGroup, from: number, to: number): void {
    const { slab, offsets, lengths } = group;
    for (let i = from; i < to; i++) {
      const at = offsets[i]!;
      const end = at + lengths[i]!;
      const cipher = createCipheriv(this.#cipher, this.#key, this.#nonceOf(group, i), TAG);
      cipher.setAAD(slab.subarray(at, at + HEADER_BYTES), LENGTH);
      slab.set(cipher.update(slab.subarray(at + HEADER_BYTES, end)), at + HEADER_BYTES);
      cipher.final();
      slab.set(cipher.getAuthTag(), end);
      lengths[i] = end + TAG_BYTES - at;
    }
  }

  open(group: PacketGroup, from: number, to: number): void {
    const { slab, offsets, lengths, authentic } = group;
    for (let i = from; i < to; i++) {
      const at = offsets[i]!;
      const end = at + lengths[i]! - TAG_BYTES;
      const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonceOf(group, i), TAG);
      decipher.setAAD(slab.subarray(at, at + HEADER_BYTES), LENGTH);
      decipher.setAuthTag(slab.subarray(end, end + TAG_BYTES));
      slab.set(decipher.update(slab.subarray(at + HEADER_BYTES, end)), at + HEADER_BYTES);
      try {
        decipher.final();
      } catch {
        authentic[i] = 0;
        continue;
      }
      authentic[i] = 1;
      lengths[i] = end - at;
    }
  }

  /** The nonce of a packet: the iv, its end combined with the packet number. */
  #nonceOf(group: PacketGroup, index: number): Uint8Array {
    const nonce = this.#nonce;
    nonce.set(this.#iv);
    for (let byte = 0; byte < 4; byte++) {
      nonce[NONCE_BYTES - 1 - byte]! ^= group.numbers[2 * index]! >>> (8 * byte);
      nonce[NONCE_BYTES - 5 - byte]! ^= group.numbers[2 * index + 1]! >>> (8 * byte);
    }
    return nonce;
  }
}

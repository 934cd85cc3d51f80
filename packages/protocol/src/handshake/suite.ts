import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';

/** Bytes of a public or private key (X25519), of an encapsulated key, of a pre-shared key, and of every secret. */
export const KEY_BYTES = 32;
/** Bytes of the tag behind what is sealed (AES-256-GCM). */
export const TAG_BYTES = 16;

/** RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
export const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** A key pair of whoever is called. Both keys are 32 bytes. */
export interface HandshakeKeys {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** The key pair that belongs to 32 random bytes (RFC 9180, DeriveKeyPair). */
export async function deriveKeys(random: Uint8Array): Promise<HandshakeKeys> {
  const pair = await suite.kem.deriveKeyPair(copied(random));
  return {
    publicKey: new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey)),
    privateKey: new Uint8Array(await suite.kem.serializePrivateKey(pair.privateKey)),
  };
}

/** A label as bytes. */
export function label(text: string): ArrayBuffer {
  return new TextEncoder().encode(text).buffer;
}

/** The bytes in a buffer of their own: what is given away as a buffer must not show what stands around a view. */
export function copied(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** Two byte strings, one behind the other. */
export function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

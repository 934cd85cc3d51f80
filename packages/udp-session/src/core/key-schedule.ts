import { copied } from './bytes.js';
import { KEY_BYTES, NONCE_BYTES, SECRET_BYTES, type Cipher, type PacketKey, type SessionCrypto } from './crypto.js';

/**
 * Packets under one key. RFC 9001, section 6.6, allows 2^23 for AES-GCM; an eighth of that keeps far away from it and costs
 * one derivation in a million packets.
 */
export const PACKETS_PER_PHASE = 2 ** 20;

const LABELS = { key: label('millrace udp key'), iv: label('millrace udp iv'), next: label('millrace udp next') };

/**
 * The keys of one direction. Packet n is sealed in phase floor(n / PACKETS_PER_PHASE); the secret of a phase gives its key
 * and iv, and the secret of the next phase, from which it cannot be had back. Keys of one phase behind and one ahead of
 * the newest in use are kept; a packet of any other phase has none.
 */
export class KeySchedule {
  readonly #crypto: SessionCrypto;
  readonly #cipher: Cipher;
  readonly #packetsPerPhase: number;
  readonly #keys = new Map<number, PacketKey>();
  #secret: Uint8Array;
  /** The phase of `#secret`: the newest for which there is a key. */
  #derived = -1;

  constructor(crypto: SessionCrypto, cipher: Cipher, secret: Uint8Array, packetsPerPhase = PACKETS_PER_PHASE) {
    if (secret.length !== SECRET_BYTES)
      throw new RangeError(`a secret has ${SECRET_BYTES} bytes, not ${secret.length}`);
    this.#crypto = crypto;
    this.#cipher = cipher;
    this.#packetsPerPhase = packetsPerPhase;
    this.#secret = copied(secret);
    this.#derive();
    this.#derive();
  }

  phaseOf(number: number): number {
    return Math.floor(number / this.#packetsPerPhase);
  }

  /** The key of a phase, if it is one of those at hand. */
  key(phase: number): PacketKey | undefined {
    return this.#keys.get(phase);
  }

  /** A packet of this phase was sent or authenticated: the next key is made, and those of the past but one are forgotten. */
  use(phase: number): void {
    while (this.#derived <= phase) {
      this.#derive();
      this.#keys.delete(this.#derived - 3);
    }
  }

  #derive(): void {
    const { key, iv, next } = LABELS;
    const secret = this.#secret;
    const keyBytes = this.#crypto.expand(secret, key, KEY_BYTES[this.#cipher]);
    this.#derived++;
    this.#keys.set(
      this.#derived,
      this.#crypto.packetKey(this.#cipher, keyBytes, this.#crypto.expand(secret, iv, NONCE_BYTES)),
    );
    this.#secret = this.#crypto.expand(secret, next, SECRET_BYTES);
    keyBytes.fill(0);
    secret.fill(0);
  }
}

function label(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

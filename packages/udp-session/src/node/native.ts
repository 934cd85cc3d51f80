import type { NativeAddon, NativeAead } from '@millrace/udp-native';

import {
  HEADER_BYTES,
  TAG_BYTES,
  type Cipher,
  type PacketGroup,
  type PacketKey,
  type SessionCrypto,
} from '../core/index.js';
import { BlockCoder } from '../fec/block-coder.js';
import { createFec, type Fec } from '../fec/index.js';
import { createNodeCrypto } from './crypto.js';

/** Words of the addon's description of a packet: offset, clear bytes, all bytes, and the number in two. */
const ROW_WORDS = 5;

/** The native addon; undefined where it is not installed, does not load, or `MILLRACE_NATIVE=0` forbids it. */
export async function loadAddon(): Promise<NativeAddon | undefined> {
  try {
    const { loadNative } = await import('@millrace/udp-native');
    return loadNative();
  } catch {
    // An optional dependency that is not there is no error.
    return undefined;
  }
}

/** The fastest Reed-Solomon there is. */
export function chooseFec(addon: NativeAddon | undefined): Fec {
  if (addon === undefined) return createFec();
  const { fec } = addon;
  return new BlockCoder(
    'native',
    (...job) => fec.combine(...job),
    (...job) => fec.solve(...job),
  );
}

/** The fastest cryptography there is; both give the same bytes. */
export function chooseCrypto(addon: NativeAddon | undefined): SessionCrypto {
  const crypto = createNodeCrypto();
  const aead = addon?.aead;
  if (aead === undefined) return crypto;
  return {
    expand: (...of) => crypto.expand(...of),
    packetKey: (cipher, key, iv) =>
      aead.algorithms.includes(cipher) ? new NativePacketKey(aead, cipher, key, iv) : crypto.packetKey(cipher, key, iv),
  };
}

class NativePacketKey implements PacketKey {
  readonly #aead: NativeAead;
  readonly #key: ReturnType<NativeAead['createKey']>;
  #rows = new Uint32Array(0);

  constructor(aead: NativeAead, cipher: Cipher, key: Uint8Array, iv: Uint8Array) {
    this.#aead = aead;
    this.#key = aead.createKey(cipher, key, iv);
  }

  seal(group: PacketGroup, from: number, to: number): void {
    for (let i = from; i < to; i++) group.lengths[i]! += TAG_BYTES;
    this.#aead.seal(this.#key, group.slab, this.#describe(group, from, to), to - from);
  }

  open(group: PacketGroup, from: number, to: number): void {
    // Most groups are opened with one call: a view for each would cost more memory than all else.
    const verdicts = from === 0 ? group.authentic : group.authentic.subarray(from, to);
    this.#aead.open(this.#key, group.slab, this.#describe(group, from, to), to - from, verdicts);
    for (let i = from; i < to; i++) if (group.authentic[i] === 1) group.lengths[i]! -= TAG_BYTES;
  }

  #describe({ offsets, lengths, numbers }: PacketGroup, from: number, to: number): Uint32Array {
    if (this.#rows.length < (to - from) * ROW_WORDS) this.#rows = new Uint32Array((to - from) * ROW_WORDS);
    const rows = this.#rows;
    for (let i = from, at = 0; i < to; i++, at += ROW_WORDS) {
      rows[at] = offsets[i]!;
      rows[at + 1] = HEADER_BYTES;
      rows[at + 2] = lengths[i]!;
      rows[at + 3] = numbers[2 * i]!;
      rows[at + 4] = numbers[2 * i + 1]!;
    }
    return rows;
  }
}

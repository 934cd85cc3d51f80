// The token of level 2 requests: it stands for the access key, which itself is never shown to a relay.
import { TOKEN_BYTES } from './body.js';

/** Names what is derived, so that nothing else that is ever derived from a key equals it. */
const INFO = 'millrace level 2 token';

/** The part of WebCrypto that is used; every runtime has it, and `types: []` hides it. */
interface Subtle {
  importKey(
    format: 'raw',
    key: Uint8Array,
    algorithm: 'HKDF',
    extractable: false,
    usages: readonly ['deriveBits'],
  ): Promise<unknown>;
  deriveBits(
    algorithm: { name: 'HKDF'; hash: 'SHA-256'; salt: Uint8Array; info: Uint8Array },
    key: unknown,
    bits: number,
  ): Promise<ArrayBuffer>;
}

/** The 32 bytes by which requests of level 2 show the access key: HKDF-SHA256 (RFC 5869) of its UTF-8 bytes, without salt. */
export async function deriveToken(key: string): Promise<Uint8Array> {
  const { subtle } = (globalThis as unknown as { crypto: { subtle: Subtle } }).crypto;
  const encoder = new TextEncoder();
  const secret = await subtle.importKey('raw', encoder.encode(key), 'HKDF', false, ['deriveBits']);
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: encoder.encode(INFO) } as const;
  return new Uint8Array(await subtle.deriveBits(parameters, secret, TOKEN_BYTES * 8));
}

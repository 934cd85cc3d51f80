// The golden handshake, built here step by step from RFC 9180, RFC 5869 and docs/UDP.md with nothing but node:crypto: neither
// the code under test nor the library that it uses has a part in it.
import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Golden {
  call: string;
  earlySecret: string;
  answer: string;
  callerSecret: string;
  calleeSecret: string;
}
const file = new URL('../../test/vectors/handshake.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Record<string, Golden> };

const text = (words: string): Buffer => Buffer.from(words, 'latin1');
const filled = (value: number, bytes = 32): Buffer => Buffer.alloc(bytes, value);
const two = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const EMPTY: Buffer = Buffer.alloc(0);
/** DHKEM(X25519, HKDF-SHA256), and with HKDF-SHA256 and AES-256-GCM (RFC 9180, section 7). */
const KEM = Buffer.concat([text('KEM'), two(0x20)]);
const HPKE = Buffer.concat([text('HPKE'), two(0x20), two(1), two(2)]);

const hmac = (key: Buffer, ...parts: Buffer[]): Buffer => {
  const made = createHmac('sha256', key);
  for (const part of parts) made.update(part);
  return made.digest();
};

/** RFC 9180, section 4: LabeledExtract and LabeledExpand. */
const extract = (suite: Buffer, salt: Buffer, label: string, material: Buffer): Buffer =>
  hmac(salt.length === 0 ? filled(0) : salt, text('HPKE-v1'), suite, text(label), material);
const expand = (suite: Buffer, secret: Buffer, label: string, info: Buffer, bytes: number): Buffer =>
  hmac(secret, two(bytes), text('HPKE-v1'), suite, text(label), info, Buffer.of(1)).subarray(0, bytes);

/** X25519 keys as node:crypto takes them: the 32 bytes behind a fixed prefix (RFC 8410). */
const privateOf = (bytes: Buffer) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), bytes]),
    format: 'der',
    type: 'pkcs8',
  });
const publicOf = (bytes: Buffer) =>
  createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), bytes]),
    format: 'der',
    type: 'spki',
  });

interface Pair {
  secret: Buffer;
  open: Buffer;
}

/** RFC 9180, section 7.1.3: DeriveKeyPair. */
function derivePair(material: Buffer): Pair {
  const secret = expand(KEM, extract(KEM, EMPTY, 'dkp_prk', material), 'sk', EMPTY, 32);
  const open = createPublicKey(privateOf(secret)).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { secret, open };
}

interface Context {
  seal(associated: Buffer, plain: Buffer): Buffer;
  exported(label: string): Buffer;
}

/** RFC 9180, sections 4.1 and 5.1: a sender's context of mode Base, or PSK where there is a key. */
function context(ephemeral: Pair, receiver: Buffer, info: string, psk = EMPTY, pskId = ''): Context {
  const shared = diffieHellman({ privateKey: privateOf(ephemeral.secret), publicKey: publicOf(receiver) });
  const kemContext = Buffer.concat([ephemeral.open, receiver]);
  const secret = expand(KEM, extract(KEM, EMPTY, 'eae_prk', shared), 'shared_secret', kemContext, 32);
  const schedule = Buffer.concat([
    Buffer.of(psk.length === 0 ? 0 : 1),
    extract(HPKE, EMPTY, 'psk_id_hash', text(pskId)),
    extract(HPKE, EMPTY, 'info_hash', text(info)),
  ]);
  const scheduled = extract(HPKE, secret, 'secret', psk);
  const key = expand(HPKE, scheduled, 'key', schedule, 32);
  const nonce = expand(HPKE, scheduled, 'base_nonce', schedule, 12);
  const exporter = expand(HPKE, scheduled, 'exp', schedule, 32);
  return {
    seal: (associated, plain) => {
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(associated);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    exported: (label) => expand(HPKE, exporter, 'sec', text(label), 32),
  };
}

const pinned = derivePair(filled(1));
const shared = filled(2);
const WAYS: Record<string, [receiver: Buffer, psk: Buffer]> = {
  'a pinned key': [pinned.open, EMPTY],
  'a shared key': [derivePair(shared).open, shared],
  both: [pinned.open, shared],
};

describe.each(Object.entries(WAYS))('with %s', (name, [receiver, psk]) => {
  test('the golden bytes follow from the standards', () => {
    // 64 random bytes of the caller: its ephemeral pair, then its reply pair; 32 of the callee.
    const [ephemeral, reply, answering] = [derivePair(filled(3)), derivePair(filled(3)), derivePair(filled(4))];
    const pskId = psk.length === 0 ? '' : 'millrace shared key';
    const first = context(ephemeral, receiver, 'millrace handshake 1 call', psk, pskId);
    const call = first.seal(text('clear bytes'), Buffer.concat([reply.open, text('hello')]));
    const replyKey = first.exported('millrace reply key');
    const second = context(answering, reply.open, 'millrace handshake 1 reply', replyKey, 'millrace reply');
    expect({
      call: Buffer.concat([ephemeral.open, call]).toString('hex'),
      earlySecret: first.exported('millrace early').toString('hex'),
      answer: Buffer.concat([answering.open, second.seal(EMPTY, text('welcome'))]).toString('hex'),
      callerSecret: second.exported('millrace caller').toString('hex'),
      calleeSecret: second.exported('millrace callee').toString('hex'),
    }).toEqual(vectors[name]);
  });
});

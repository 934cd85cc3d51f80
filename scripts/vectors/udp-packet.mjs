// Golden vectors of sealed UDP packets, made by a writer that shares nothing with the code under test.
import { createCipheriv, createHmac } from 'node:crypto';

const PACKETS_PER_PHASE = 2 ** 20;
const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** HKDF-Expand (RFC 5869) of up to 32 bytes. */
const expand = (secret, label, bytes) =>
  createHmac('sha256', secret).update(label).update(Uint8Array.of(1)).digest().subarray(0, bytes);

function seal(cipher, secret, connectionId, number, payload) {
  const phase = Math.floor(number / PACKETS_PER_PHASE);
  let current = secret;
  for (let i = 0; i < phase; i++) current = expand(current, 'millrace udp next', 32);
  const key = expand(current, 'millrace udp key', cipher === 'aes-128-gcm' ? 16 : 32);
  const iv = expand(current, 'millrace udp iv', 12);
  const header = Buffer.alloc(5);
  header[0] = 0x40 | (phase & 3);
  header[1] = connectionId;
  header.writeUIntBE(number % 2 ** 24, 2, 3);
  const nonce = Buffer.from(iv);
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(number));
  for (let i = 0; i < 8; i++) nonce[4 + i] ^= counter[i];
  const sealer = createCipheriv(cipher, key, nonce, { authTagLength: 16 });
  sealer.setAAD(header, { plaintextLength: payload.length });
  const packet = Buffer.concat([header, sealer.update(payload), sealer.final(), sealer.getAuthTag()]);
  return {
    cipher,
    secret: hex(secret),
    connectionId,
    number,
    phase,
    key: hex(key),
    iv: hex(iv),
    payload: hex(payload),
    packet: hex(packet),
  };
}

/** A time, then items: the first a ping, the second an event "hi" with id 7, the third a path challenge. */
const PAYLOADS = ['0001e24007', '00000000020000000700026869', 'fffffffe080102030405060708'];
const NUMBERS = [0, 1, 0xffffff, 0x1000000, PACKETS_PER_PHASE - 1, PACKETS_PER_PHASE, 3 * PACKETS_PER_PHASE + 5];

export function udpPacketVectors() {
  const vectors = ['aes-128-gcm', 'chacha20-poly1305'].flatMap((cipher) =>
    NUMBERS.map((number, i) => {
      const secret = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 7 + i) & 0xff));
      return seal(cipher, secret, (i * 37) & 0xff, number, Buffer.from(PAYLOADS[i % PAYLOADS.length], 'hex'));
    }),
  );
  const comment =
    'Made by scripts/vectors/udp-packet.mjs (npm run generate): do not edit. Sealed packets, with the secret of the direction, the key and iv of the phase, and what is sealed; bytes in hex.';
  const content = `{
  "$comment": ${JSON.stringify(comment)},
  "vectors": [
${vectors.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n')}
  ]
}
`;
  return [['packages/udp-session/test/vectors/packet.json', content]];
}

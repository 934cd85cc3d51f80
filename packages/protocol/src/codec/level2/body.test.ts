import { describe, expect, test } from 'vitest';

import { LIMITS } from '../../index.js';
import { decodeBody, decodePacket, encodeBody, TOKEN_BYTES, type PacketValue } from './index.js';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
const packet: PacketValue = {
  n: 7,
  cid: new Uint8Array(16).fill(3),
  segments: [{ sid: 1, off: 0, d: new Uint8Array(100) }],
};
const token = new Uint8Array(TOKEN_BYTES).fill(0xc0);

describe.each([false, true])('with text: %s', (text) => {
  test('a request carries its token before the packet', () => {
    const parts = decodeBody(encodeBody(packet, { token, text }), 'request');
    expect(parts.token).toEqual(token);
    expect(parts.text).toBe(text);
    expect(decodePacket(parts.packet)).toEqual(packet);
  });

  test('a response carries no token', () => {
    const parts = decodeBody(encodeBody(packet, { text }), 'response');
    expect(parts.token).toBeUndefined();
    expect(decodePacket(parts.packet)).toEqual(packet);
  });
});

test('text begins with A and is ASCII', () => {
  const body = encodeBody(packet, { token, text: true });
  expect(Buffer.from(body).toString()).toMatch(/^AcDAwM[A-Za-z0-9+/]+={0,2}$/);
});

test('the token is there to be checked before the packet is decoded', () => {
  const body = encodeBody(packet, { token }).slice(0, 1 + TOKEN_BYTES + 3);
  const parts = decodeBody(body, 'request');
  expect(parts.token).toEqual(token);
  expect(() => decodePacket(parts.packet)).toThrow(code('PACKET_INVALID'));
});

test('a token of another size is refused', () => {
  expect(() => encodeBody(packet, { token: new Uint8Array(31) })).toThrow('token: must have 32 bytes, has 31');
});

test('a body beyond the limit is refused on both sides', () => {
  expect(() => decodeBody(new Uint8Array(LIMITS.maxBodyBytes + 1).fill(1), 'response')).toThrow(code('BODY_TOO_LARGE'));
  // As bytes it fits, as text it does not.
  const large: PacketValue = {
    ...packet,
    segments: [{ sid: 1, off: 0, d: new Uint8Array(LIMITS.maxBodyBytes * 0.8) }],
  };
  expect(decodeBody(encodeBody(large), 'response').packet.length).toBeGreaterThan(LIMITS.maxBodyBytes * 0.8);
  expect(() => encodeBody(large, { text: true })).toThrow(code('BODY_TOO_LARGE'));
});

// A level 2 body: 0x01, in requests a 32-byte token, and the packet; or base64 text of all of that.
import { decodeBase64, encodeBase64 } from '../../base64.js';
import { bodyForm, PACKET_BYTE } from '../../body-form.js';
import { ProtocolError } from '../../errors.js';
import type { PacketValue } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';
import { encodePacket } from './packet.js';

/** Bytes of the token that stands for the access key. */
export const TOKEN_BYTES = 32;

export interface EncodeBodyOptions {
  /** 32 bytes; in requests only. */
  token?: Uint8Array;
  /** Gives base64 text, as bytes, for relays that carry text only. */
  text?: boolean;
}

/** A body taken apart, with the packet still to be decoded: the token is checked first. Both are views of the body, or of what its text stands for. */
export interface BodyParts {
  /** In requests. */
  token?: Uint8Array;
  packet: Uint8Array;
  /** Whether it came as text; the answer goes the same way. */
  text: boolean;
}

/** The body that carries a packet. Throws PACKET_INVALID; BODY_TOO_LARGE where no peer would take it. */
export function encodeBody(packet: PacketValue, options: EncodeBodyOptions = {}): Uint8Array {
  const { token, text = false } = options;
  if (token !== undefined && token.length !== TOKEN_BYTES) {
    throw new ProtocolError('MESSAGE_INVALID', `token: must have ${TOKEN_BYTES} bytes, has ${token.length}`);
  }
  const encoded = encodePacket(packet);
  const body = new Uint8Array(1 + (token?.length ?? 0) + encoded.length);
  body[0] = PACKET_BYTE;
  if (token !== undefined) body.set(token, 1);
  body.set(encoded, 1 + (token?.length ?? 0));
  return checkSize(text ? encodeAscii(encodeBase64(body)) : body);
}

/**
 * Takes a body apart: a `request` holds a token, a `response` none. Throws BODY_EMPTY, BODY_TRUNCATED, BODY_TOO_LARGE,
 * BASE64_INVALID, BODY_UNKNOWN_FORM for other forms, and PEER_VERSION for a sealed body.
 */
export function decodeBody(body: Uint8Array, kind: 'request' | 'response'): BodyParts {
  checkSize(body);
  const text = bodyForm(body) === 'text';
  const bytes = text ? decodeBase64(decodeAscii(body)) : body;
  switch (bodyForm(bytes)) {
    case 'packet':
      break;
    case 'sealed':
      throw new ProtocolError('PEER_VERSION', 'sealed bodies are not supported by this version');
    default:
      throw new ProtocolError('BODY_UNKNOWN_FORM', 'the body holds no packet');
  }
  if (kind === 'response') return { packet: bytes.subarray(1), text };
  if (bytes.length < 1 + TOKEN_BYTES) throw new ProtocolError('BODY_TRUNCATED', 'the body ends within its token');
  return { token: bytes.subarray(1, 1 + TOKEN_BYTES), packet: bytes.subarray(1 + TOKEN_BYTES), text };
}

function checkSize(body: Uint8Array): Uint8Array {
  if (body.length <= LIMITS.maxBodyBytes) return body;
  throw new ProtocolError('BODY_TOO_LARGE', `the body has ${body.length} bytes, more than ${LIMITS.maxBodyBytes}`);
}

const encodeAscii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes beyond ASCII become a character that base64 does not have. */
const decodeAscii = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

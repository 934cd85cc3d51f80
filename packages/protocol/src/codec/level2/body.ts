// A level 2 body: 0x01, in requests a 32-byte token, and the packet; or base64 text of all of that.
import { base64Bytes, decodeBase64Within, encodeBase64Within } from '../../base64.js';
import { bodyForm, PACKET_BYTE } from '../../body-form.js';
import { ProtocolError } from '../../errors.js';
import type { PacketValue } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';
import type { BodyBuffers } from './body-buffers.js';
import { PacketWriter } from './encode.js';

/** Bytes of the token that stands for the access key. */
export const TOKEN_BYTES = 32;

export interface EncodeBodyOptions {
  /** 32 bytes; in requests only. */
  token?: Uint8Array;
  /** Gives base64 text, as bytes, for relays that carry text only. */
  text?: boolean;
  /** Memory for the body, to be given back by whoever has used it. Default: new memory. */
  buffers?: BodyBuffers;
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
  const { token, text = false, buffers } = options;
  if (token !== undefined && token.length !== TOKEN_BYTES) {
    throw new ProtocolError('MESSAGE_INVALID', `token: must have ${TOKEN_BYTES} bytes, has ${token.length}`);
  }
  const writer = new PacketWriter(packet);
  const head = 1 + (token?.length ?? 0);
  const size = head + writer.bytes;
  const bytes = text ? base64Bytes(size) : size;
  checkSize(bytes);
  const body = buffers?.take(bytes) ?? new Uint8Array(bytes);
  const start = bytes - size;
  body[start] = PACKET_BYTE;
  if (token !== undefined) body.set(token, start + 1);
  writer.write(body, start + head);
  if (text) encodeBase64Within(body, size);
  return body;
}

/**
 * Takes a body apart: a `request` holds a token, a `response` none. Throws BODY_EMPTY, BODY_TRUNCATED, BODY_TOO_LARGE,
 * BASE64_INVALID, BODY_UNKNOWN_FORM for other forms, and PEER_VERSION for a sealed body. Text is decoded where it stands: its
 * memory holds what it stands for then, and the text is gone.
 */
export function decodeBody(body: Uint8Array, kind: 'request' | 'response'): BodyParts {
  checkSize(body.length);
  const text = bodyForm(body) === 'text';
  const bytes = text ? decodeBase64Within(body) : body;
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

function checkSize(bytes: number): void {
  if (bytes <= LIMITS.maxBodyBytes) return;
  throw new ProtocolError('BODY_TOO_LARGE', `the body has ${bytes} bytes, more than ${LIMITS.maxBodyBytes}`);
}

// A level 2 body: 0x01, in requests a 32-byte token, and the packet; or base64 text of all of that.
import { decodeBase64Bytes, encodeBase64Bytes } from '../../base64.js';
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
  checkSize(text ? Math.ceil(size / 3) * 4 : size);
  const body = buffers?.take(size) ?? new Uint8Array(size);
  body[0] = PACKET_BYTE;
  if (token !== undefined) body.set(token, 1);
  writer.write(body, head);
  if (!text) return body;
  const encoded = encodeBase64Bytes(body, buffers?.take);
  buffers?.give(body);
  return encoded;
}

/**
 * Takes a body apart: a `request` holds a token, a `response` none. Throws BODY_EMPTY, BODY_TRUNCATED, BODY_TOO_LARGE,
 * BASE64_INVALID, BODY_UNKNOWN_FORM for other forms, and PEER_VERSION for a sealed body. `buffers`: memory for what text
 * stands for.
 */
export function decodeBody(body: Uint8Array, kind: 'request' | 'response', buffers?: BodyBuffers): BodyParts {
  checkSize(body.length);
  const text = bodyForm(body) === 'text';
  const bytes = text ? decodeBase64Bytes(body, buffers?.take) : body;
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

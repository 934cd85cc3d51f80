import { timingSafeEqual } from 'node:crypto';
import { bodyForm, decodeBase64, LIMITS } from '@millrace/protocol';
import { TOKEN_BYTES } from '@millrace/protocol/level2';
import { NodeError } from '../errors.js';

/** Bytes before the packet: the form and the token. */
const HEAD_BYTES = 1 + TOKEN_BYTES;
/** Characters of text that hold just these. */
const HEAD_CHARACTERS = (HEAD_BYTES / 3) * 4;

/** Tells whose body it is by its first 33 bytes, or the 44 characters that stand for them; looks at nothing else. */
export class TokenCheck {
  readonly #token: Uint8Array;

  /** `token`: from `deriveToken`. */
  constructor(token: Uint8Array) {
    this.#token = token;
  }

  /**
   * Refuses whoever does not show the token.
   * @throws NodeError `RELAY_AUTH`, `BODY_TRUNCATED`, `BODY_TOO_LARGE`; ProtocolError `BASE64_INVALID`.
   */
  check(body: Buffer): void {
    if (body.length > LIMITS.maxBodyBytes)
      throw new NodeError('BODY_TOO_LARGE', `the body has more than ${LIMITS.maxBodyBytes} bytes`);
    const head = headOf(body);
    if (head.length < HEAD_BYTES) throw new NodeError('BODY_TRUNCATED', 'the body ends within its token');
    if (!timingSafeEqual(head.subarray(1, HEAD_BYTES), this.#token))
      throw new NodeError('RELAY_AUTH', 'the token is not that of the key of this node');
  }
}

function headOf(body: Buffer): Uint8Array {
  if (bodyForm(body) !== 'text') return body;
  if (body.length < HEAD_CHARACTERS) throw new NodeError('BODY_TRUNCATED', 'the body ends within its token');
  return decodeBase64(body.toString('latin1', 0, HEAD_CHARACTERS));
}

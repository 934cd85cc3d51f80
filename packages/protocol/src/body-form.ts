import { ProtocolError } from './errors.js';

/**
 * What a body is: `json` level 1; `gzip` of it; `packet` level 2, in the clear; `sealed` level 2, encrypted; `text` base64
 * of one of the last two.
 */
export type BodyForm = 'json' | 'gzip' | 'packet' | 'sealed' | 'text';

/** First byte of a level 2 body in the clear. */
export const PACKET_BYTE = 0x01;
/** First byte of a sealed level 2 body. */
const SEALED_BYTE = 0x02;

/** Tells the form by the first byte. Throws BODY_EMPTY or BODY_UNKNOWN_FORM. */
export function bodyForm(body: Uint8Array): BodyForm {
  switch (body[0]) {
    case undefined:
      throw new ProtocolError('BODY_EMPTY', 'the body is empty');
    case 0x7b: // {
      return 'json';
    case PACKET_BYTE:
      return 'packet';
    case SEALED_BYTE:
      return 'sealed';
    case 0x41: // A: the six highest bits of 0x01 and 0x02 are 0
      return 'text';
    case 0x1f:
      if (body[1] === 0x8b) return 'gzip';
  }
  throw new ProtocolError(
    'BODY_UNKNOWN_FORM',
    `no body begins with the byte 0x${body[0].toString(16).padStart(2, '0')}`,
  );
}

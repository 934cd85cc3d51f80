/** What a relay or node answers instead of what it was asked for: `{"e":…,"code":…}`, at any level. */
import { ERROR_CODES, type BatchResponse, type ErrorCode } from '@millrace/protocol';
import { failed, type CarrierFailed } from './carrier.js';
import { meaningOf, quoted } from './words.js';

/** Codes with which a relay or node says that it ran nothing. */
const NOTHING_RAN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RELAY_AUTH',
  'RELAY_NODE_DOWN',
  'RELAY_OFFLINE',
  'RELAY_TLS',
  'RELAY_TEXT_ONLY',
  'RELAY_QUOTA_DAY',
  'RELAY_QUOTA_RATE',
  'NODE_BUSY',
  'PEER_VERSION',
  'BODY_EMPTY',
  'BODY_UNKNOWN_FORM',
  'BODY_TOO_LARGE',
  'BODY_BAD_GZIP',
  'BODY_TOO_DEEP',
  'BODY_NOT_JSON',
  'BODY_TRUNCATED',
  'MESSAGE_INVALID',
]);

/** The failure that an error of a whole exchange stands for. */
export function errorAnswer(relay: string, response: Pick<BatchResponse, 'e' | 'code'>): CarrierFailed {
  const words = response.e ?? '';
  const message = `${relay} answered: ${quoted(words)}`;
  const code = knownCode(response.code);
  if (code !== undefined) return failed(code, message, !NOTHING_RAN.has(code));
  const meaning = meaningOf(words);
  return meaning === undefined
    ? failed('RELAY_STATUS', message, true)
    : failed(meaning.code, message, meaning.ambiguous);
}

/** A code, if it is one that this version knows. */
export function knownCode(code: string | undefined): ErrorCode | undefined {
  return code !== undefined && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined;
}

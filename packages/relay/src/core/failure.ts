import type { ErrorCode } from '@millrace/protocol';

/** Codes that a relay answers by itself. */
type FailureCode = Extract<
  ErrorCode,
  | 'BODY_EMPTY'
  | 'BODY_TOO_LARGE'
  | 'RELAY_AUTH'
  | 'RELAY_BODY'
  | 'RELAY_EMPTY'
  | 'RELAY_HTML'
  | 'RELAY_NODE_DOWN'
  | 'RELAY_QUOTA_DAY'
  | 'RELAY_QUOTA_RATE'
  | 'RELAY_REDIRECT'
  | 'RELAY_STATUS'
  | 'RELAY_TEXT_ONLY'
  | 'RELAY_TIMEOUT'
  | 'RELAY_TRUNCATED'
>;

/** Why a relay has no body of the node to hand back. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
}

/**
 * The failure as the body of an answer: a level 1 batch response without replies, since a status does not survive every
 * platform. It never names the node's address.
 */
export function failureBody(failure: Failure): string {
  return JSON.stringify({ e: failure.message, code: failure.code });
}

/** What the codes of engine and node mean to an application. */
import { ERROR_CODES, type ErrorCode } from '@millrace/protocol';
import type { CarrierFailure } from '../carriers/carrier.js';
import { knownCode } from '../carriers/error-answer.js';
import { TunnelError } from '../errors.js';

/** The dial failed, or was refused. */
export function dialError(code: string): TunnelError {
  return told(code, 'DIAL_FAILED', 'the node could not open it');
}

/** An open stream was cut. */
export function streamError(code: string): TunnelError {
  return told(code, 'TARGET_RESET', 'the stream was cut');
}

/** A failure of the way, as an error for the application. */
export function relayError(failure: CarrierFailure): TunnelError {
  return new TunnelError(failure.code, failure.message, { cause: failure.cause });
}

/** A newer node may know codes that this version does not. */
function told(code: string, fallback: ErrorCode, what: string): TunnelError {
  const known = knownCode(code);
  return new TunnelError(known ?? fallback, `${what}: ${known === undefined ? code : ERROR_CODES[known].text}`);
}

import type { ErrorCode } from './gen/error-codes.js';

export { ERROR_CODES, type ErrorCode } from './gen/error-codes.js';

/** The one error that this package throws. Match on `code`; the message is for people and never holds a secret. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

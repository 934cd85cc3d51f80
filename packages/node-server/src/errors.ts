import { ERROR_CODES } from '@millrace/protocol';
import type { ErrorCode } from '@millrace/protocol';

/**
 * The one error class of this package. Match on `code`; every code is listed in docs/ERRORS.md with what to do about
 * it. The message is for people and may change.
 */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The code of anything thrown: its own where it has one, `INTERNAL` for a bug. */
export function codeOf(error: unknown): ErrorCode {
  if (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    Object.hasOwn(ERROR_CODES, error.code)
  ) {
    return error.code as ErrorCode;
  }
  return 'INTERNAL';
}

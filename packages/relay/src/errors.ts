import type { ErrorCode } from '@millrace/protocol';

/** Every error that this package throws. Match on `code`; docs/ERRORS.md says what each means and what to do. */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

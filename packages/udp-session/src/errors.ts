import type { ErrorCode } from '@millrace/protocol';

/** Every error that this package throws or reports. Match on `code`; docs/ERRORS.md says what each means and what to do. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

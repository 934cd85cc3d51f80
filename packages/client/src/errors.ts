import type { ErrorCode } from '@millrace/protocol';

/**
 * The one error class of this package. Match on `code`: it is stable and listed with its meaning and next step in
 * docs/ERRORS.md; the message is for people and may change.
 */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  /** What happened. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

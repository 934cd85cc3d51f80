import type { ErrorCode } from '@millrace/protocol';

/** Every error that this package throws or reports. Match on `code`; docs/ERRORS.md says what each means and what to do. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: ErrorCode;
  /** With SESSION_PEER_CLOSED: what the peer gave to `close`, 0 to 65,535. */
  readonly peerCode: number | undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; peerCode?: number }) {
    super(message, options);
    this.code = code;
    this.peerCode = options?.peerCode;
  }
}

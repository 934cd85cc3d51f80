import { ERROR_CODES, type ErrorCode } from '@millrace/protocol';
import { exitCodeOf } from './exit-codes.js';

/** A failure that the person at the keyboard can do something about: printed with its code, never with a stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** Stable; documented in docs/ERRORS.md. */
  readonly code: ErrorCode;
  /** The flag, file or environment variable that it is about. */
  readonly where: string | undefined;
  /** What to do. */
  readonly next: string;

  constructor(code: ErrorCode, message: string, options: { where?: string; next?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.where = options.where;
    this.next = options.next ?? ERROR_CODES[code].next;
  }

  get exitCode(): number {
    return exitCodeOf(this.code);
  }
}

/** Codes of the platform that mean something to the user; anything else without a code of ours is a bug. */
const PLATFORM_CODES: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ADDRESS_UNAVAILABLE',
  EACCES: 'ADDRESS_UNAVAILABLE',
  EAFNOSUPPORT: 'ADDRESS_UNAVAILABLE',
  ENOTFOUND: 'ADDRESS_UNAVAILABLE',
  EAI_AGAIN: 'ADDRESS_UNAVAILABLE',
};

/**
 * Makes any thrown value a CliError. `where` says what was being done with it; it does not replace one that the error
 * brings itself.
 */
export function toCliError(error: unknown, where?: string, next?: string): CliError {
  if (error instanceof CliError) return error;
  const options = { cause: error, ...(where === undefined ? {} : { where }), ...(next === undefined ? {} : { next }) };
  const message = error instanceof Error ? error.message : String(error);
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (isErrorCode(code)) return new CliError(code, message, options);
  const known = PLATFORM_CODES[code];
  if (known) return new CliError(known, message, options);
  return new CliError('INTERNAL', message, { cause: error });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

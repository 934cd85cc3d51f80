/**
 * What went wrong in a call of the addon. Match on the code.
 *
 * - `NATIVE_ARGUMENT`: an argument is of the wrong type, is shared memory, or names what does not exist.
 * - `NATIVE_RANGE`: a length, offset or count does not fit, or memory overlaps that must not. Nothing has been written.
 * - `NATIVE_CLOSED`: the socket is closed.
 * - `NATIVE_SYSTEM`: the system refused; `errno` is its number.
 * - `NATIVE_UNSUPPORTED`: this runtime cannot do it.
 * - `NATIVE_FAILED`: it failed for no reason of the caller's, such as memory that ran out.
 */
export type NativeErrorCode =
  | 'NATIVE_ARGUMENT'
  | 'NATIVE_RANGE'
  | 'NATIVE_CLOSED'
  | 'NATIVE_SYSTEM'
  | 'NATIVE_UNSUPPORTED'
  | 'NATIVE_FAILED';

/** Every error that this package throws. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly code: NativeErrorCode;
  /** The number that the system gave, with `NATIVE_SYSTEM`. */
  declare readonly errno?: number;

  constructor(code: NativeErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What went wrong: `USAGE` a wrong option, `TREE` a tree that cannot be measured, `REPORT` a file that is no report or must not be published. */
export type BenchErrorCode = 'USAGE' | 'TREE' | 'REPORT';

/** An error of the benchmark itself. Wrong bytes are no error but a result. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

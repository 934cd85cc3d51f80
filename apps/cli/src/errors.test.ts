import { ERROR_CODES, ProtocolError, type ErrorCode } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { CliError, toCliError } from './errors.js';
import { EXIT, exitCodeOf, exitCodeTable } from './exit-codes.js';

describe('any error becomes a CliError', () => {
  test('one of ours keeps its code and says what to do', () => {
    const error = toCliError(new ProtocolError('KEY_WEAK', 'short'), '--key-file');
    expect(error).toMatchObject({
      code: 'KEY_WEAK',
      message: 'short',
      where: '--key-file',
      next: ERROR_CODES.KEY_WEAK.next,
      exitCode: 4,
    });
  });

  test('one of the platform gets the code that it means', () => {
    const busy = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });
    expect(toCliError(busy, '--socks')).toMatchObject({ code: 'ADDRESS_IN_USE', where: '--socks', exitCode: 5 });
  });

  test('a CliError stays as it is', () => {
    const error = new CliError('USAGE', 'x', { where: 'here' });
    expect(toCliError(error, 'there')).toBe(error);
  });

  test.each([new TypeError('x is not a function'), 'text', undefined, { code: 'ESTRANGE' }])(
    '%s is a bug',
    (thrown) => {
      expect(toCliError(thrown)).toMatchObject({ code: 'INTERNAL', exitCode: 70, cause: thrown });
    },
  );
});

describe('exit codes', () => {
  test('every error code has one, and no error ends as success', () => {
    const known = new Set<number>(Object.values(EXIT).map(({ code }) => code));
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      expect(known).toContain(exitCodeOf(code));
      expect(exitCodeOf(code)).not.toBe(0);
    }
  });

  test('differ', () => {
    const codes = Object.values(EXIT).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(exitCodeTable().split('\n')).toHaveLength(codes.length);
  });
});

import { expect, test } from 'vitest';
import { testIo } from '../../test/support/test-io.js';
import { CliError } from '../errors.js';
import { printError } from './print-error.js';

test('says code, what, where and what to do', () => {
  const { io, err, out } = testIo();
  printError(io, new CliError('KEY_WEAK', 'too short', { where: '--key-file key', next: 'make another' }));
  expect(err()).toBe('error: KEY_WEAK: too short\nwhere: --key-file key\nnext:  make another\n');
  expect(out()).toBe('');
});

test('shows a stack for a bug only, and only where it is asked for', () => {
  const bug = new CliError('INTERNAL', 'oops', { cause: new Error('oops') });
  const plain = testIo();
  printError(plain.io, bug);
  expect(plain.err()).toContain('MILLRACE_DEBUG=1');
  expect(plain.err()).not.toContain('    at ');
  const debug = testIo({ env: { MILLRACE_DEBUG: '1' } });
  printError(debug.io, bug);
  expect(debug.err()).toContain('    at ');
});

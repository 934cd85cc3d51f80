import { expect, test } from 'vitest';

import { ERROR_CODES, ProtocolError } from './index.js';

test('an error carries its code, message and cause', () => {
  const cause = new Error('inner');
  const error = new ProtocolError('BODY_EMPTY', 'nothing there', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'ProtocolError', code: 'BODY_EMPTY', message: 'nothing there', cause });
});

test('every code says what happened, what to do, and who ended it', () => {
  for (const [code, { text, next, by }] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    expect(text, code).toMatch(/\.$/);
    expect(next, code).toMatch(/\.$/);
    expect(['peer', 'network', 'target', 'policy', 'local', 'user'], code).toContain(by);
  }
});

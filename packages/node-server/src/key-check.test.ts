import { expect, test } from 'vitest';
import { codeOf, NodeError } from './errors.js';
import { dialError, listenError, lookupError, targetError } from './egress/platform-errors.js';
import { KeyCheck } from './key-check.js';

test('only the key itself matches, whatever the length of the other', () => {
  const check = new KeyCheck('the-Key-of-this-Node-123');
  expect(check.matches('the-Key-of-this-Node-123')).toBe(true);
  for (const other of [
    '',
    'the-Key-of-this-Node-124',
    'the-Key-of-this-Node-1234',
    'the-Key-of-this-Node-12',
    'THE-KEY-OF-THIS-NODE-123',
    'x'.repeat(1_000_000),
  ]) {
    expect(check.matches(other)).toBe(false);
  }
});

test('the code of an error is its own where it is one of the project\u2019s', () => {
  expect(codeOf(new NodeError('DIAL_REFUSED', ''))).toBe('DIAL_REFUSED');
  expect(codeOf(Object.assign(new Error(), { code: 'ECONNRESET' }))).toBe('INTERNAL');
  expect(codeOf(Object.assign(new Error(), { code: 'toString' }))).toBe('INTERNAL');
  expect(codeOf('text')).toBe('INTERNAL');
});

test('platform errors keep their code in the message and tell no address', () => {
  const platform = Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:80'), { code: 'ECONNREFUSED' });
  for (const mapped of [dialError(platform), lookupError(platform), targetError(platform)]) {
    expect(mapped.message).toContain('ECONNREFUSED');
    expect(mapped.message).not.toContain('10.1.2.3');
    expect(mapped.cause).toBe(platform);
  }
  expect(dialError(new Error('no code')).code).toBe('DIAL_FAILED');
  expect(listenError(Object.assign(new Error(), { code: 'EACCES' }), '0.0.0.0:80')).toMatchObject({
    code: 'ADDRESS_UNAVAILABLE',
    message: expect.stringContaining('0.0.0.0:80'),
  });
  expect(listenError(new Error(), 'x').code).toBe('INTERNAL');
});

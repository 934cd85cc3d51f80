import { errors } from 'undici';
import { describe, expect, test } from 'vitest';
import { classifyAnswer, classifyBreak, classifyConnect, classifySilence } from './classify.js';
import { ConnectError } from './connect.js';

const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
  classifyAnswer('relay', { status, headers, body: new TextEncoder().encode(body) })?.failure;

const PAGE = '<html><body>Sorry</body></html>';

describe('an answer', () => {
  test.each([
    [200, '{"r":[]}', undefined, undefined],
    [200, 'AAAA', undefined, undefined],
    // A body that merely mentions markup is none.
    [200, '{"e":"<html>quota per day</html>"}', undefined, undefined],
    [200, ' {"r":[]}', undefined, undefined],
    [200, '', 'RELAY_EMPTY', true],
    [200, PAGE, 'RELAY_HTML', true],
    [200, `\uFEFF${PAGE}`, 'RELAY_HTML', true],
    [200, `  ${PAGE}`, 'RELAY_HTML', true],
    [200, `\t${PAGE}`, 'RELAY_HTML', true],
    [200, `\r\n${PAGE}`, 'RELAY_HTML', true],
    [200, '<html>access denied</html>', 'RELAY_HTML', true],
    [200, '<html>too many requests</html>', 'RELAY_QUOTA_RATE', false],
    [204, '', 'RELAY_STATUS', true],
    [304, '', 'RELAY_STATUS', true],
    [400, '', 'RELAY_STATUS', false],
    [400, 'rate limit', 'RELAY_QUOTA_RATE', false],
    [401, '', 'RELAY_AUTH', false],
    [403, '', 'RELAY_AUTH', false],
    [403, 'rate limit', 'RELAY_QUOTA_RATE', false],
    [404, 'quota per day', 'RELAY_AUTH', false],
    [408, '', 'RELAY_TIMEOUT', false],
    [413, '', 'RELAY_STATUS', false],
    [429, '', 'RELAY_QUOTA_RATE', false],
    [429, 'timed out', 'RELAY_QUOTA_RATE', false],
    [499, '', 'RELAY_STATUS', false],
    [500, '', 'RELAY_STATUS', true],
    // It says that nothing was run.
    [500, 'DNS error: http://node', 'RELAY_STATUS', false],
    [500, 'quota per day', 'RELAY_QUOTA_DAY', false],
    [502, '', 'RELAY_NODE_DOWN', true],
    [503, '', 'RELAY_STATUS', true],
    [504, '', 'RELAY_TIMEOUT', true],
    [504, 'timed out', 'RELAY_TIMEOUT', true],
  ])('%i %j is %s', (status, body, code, ambiguous) => {
    const failure = answer(status, body);
    expect(failure?.code).toBe(code);
    expect(failure?.ambiguous).toBe(ambiguous);
  });

  test('of a page no more is read than is needed to know it', () => {
    const late = `${PAGE}${' '.repeat(70_000)}quota per day`;
    expect(answer(200, late)?.code).toBe('RELAY_HTML');
    expect(answer(429, late)?.code).toBe('RELAY_QUOTA_RATE');
  });
});

describe('a request that breaks off', () => {
  const parser = new errors.HTTPParserError('no HTTP');
  const overflow = new errors.HeadersOverflowError('large');
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });

  test.each([
    [reset, 'not-sent', 'RELAY_OFFLINE', false],
    [reset, 'sent', 'RELAY_TRUNCATED', true],
    [reset, 'answering', 'RELAY_TRUNCATED', true],
    [parser, 'sent', 'RELAY_BODY', true],
    // Once it has begun to answer in HTTP, it was cut.
    [parser, 'answering', 'RELAY_TRUNCATED', true],
    [overflow, 'sent', 'RELAY_BODY', true],
    [Object.assign(new Error('head'), { code: 'HPE_HEADER_OVERFLOW' }), 'sent', 'RELAY_BODY', true],
    ['text', 'sent', 'RELAY_TRUNCATED', true],
  ] as const)('%s when %s is %s', (error, progress, code, ambiguous) => {
    expect(classifyBreak('relay', error, progress).failure).toMatchObject({ code, ambiguous, cause: error });
  });

  test.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'EPROTO'])(
    'what has to do with %s is TLS',
    (code) => {
      expect(classifyConnect('relay', Object.assign(new Error('no'), { code })).failure.code).toBe('RELAY_TLS');
    },
  );

  test('the stage at which a connection failed decides where nothing else does', () => {
    expect(classifyConnect('relay', new ConnectError('tls', 'no')).failure.code).toBe('RELAY_TLS');
    expect(classifyConnect('relay', new ConnectError('tcp', 'no')).failure.code).toBe('RELAY_OFFLINE');
  });

  test('silence may mean that it was run, unless it was never sent', () => {
    const told = (['not-sent', 'sent', 'answering'] as const).map((progress) => classifySilence('relay', progress, 5));
    expect(told.map(({ failure }) => failure.ambiguous)).toEqual([false, true, true]);
    expect(new Set(told.map(({ failure }) => failure.code))).toEqual(new Set(['RELAY_TIMEOUT']));
  });
});

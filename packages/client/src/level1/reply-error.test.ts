import { describe, expect, test } from 'vitest';
import { dialError, isUnsupported, streamError } from './reply-error.js';

describe('error replies', () => {
  test.each([
    [{ e: 'x', code: 'POLICY_DENIED' }, 'POLICY_DENIED'],
    [{ e: 'connection refused', code: 'A_CODE_OF_THE_FUTURE' }, 'DIAL_REFUSED'],
    [{ e: 'Connection refused (os error 111)' }, 'DIAL_REFUSED'],
    [{ e: 'connect timed out' }, 'DIAL_TIMEOUT'],
    [{ e: 'No route to host' }, 'DIAL_HOST_UNREACHABLE'],
    [{ e: 'Network is unreachable' }, 'DIAL_NET_UNREACHABLE'],
    [{ e: 'failed to lookup address information: Name or service not known' }, 'DIAL_NAME_NOT_FOUND'],
    [{ e: 'failed to lookup address: Temporary failure in name resolution' }, 'DIAL_NAME_FAILED'],
    [{ e: 'target denied by policy' }, 'POLICY_DENIED'],
    [{ e: 'out of cheese' }, 'DIAL_FAILED'],
    [{ code: 'DIAL_TIMEOUT' }, 'DIAL_TIMEOUT'],
  ])('an open answered %o failed with %s', (reply, code) => {
    expect(dialError(reply)).toMatchObject({ name: 'TunnelError', code });
  });

  test.each([
    [{ e: 'x', code: 'TARGET_STALLED' }, 'TARGET_STALLED'],
    [{ e: 'unknown session' }, 'UNKNOWN_SID'],
    [{ e: 'broken pipe' }, 'TARGET_RESET'],
  ])('a stream answered %o ended with %s', (reply, code) => {
    expect(streamError(reply).code).toBe(code);
  });

  test('an op that a node does not know is told from one that failed', () => {
    expect(isUnsupported({ e: 'x', code: 'UNSUPPORTED_OP' })).toBe(true);
    expect(isUnsupported({ e: 'unknown op: connect_data' })).toBe(true);
    expect(isUnsupported({ e: 'unknown op: version', code: 'NODE_BUSY' })).toBe(false);
    expect(isUnsupported({ e: 'connection refused' })).toBe(false);
    expect(isUnsupported({})).toBe(false);
  });
});

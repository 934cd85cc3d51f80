import type { ErrorCode } from '@millrace/protocol';

/** Reply codes of RFC 1928, section 6. */
export const REPLY = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  connectionRefused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

/**
 * What an application hears of each failure. Two choices of this table are not in RFC 1928, and follow what Tor does,
 * since programs know it from there: a name that does not resolve is an unreachable host, and a target that does not
 * answer in time is an expired TTL. Whatever the tunnel itself fails with is a general failure: no code of SOCKS5
 * speaks of the proxy.
 */
const REPLIES: Partial<Record<ErrorCode, number>> = {
  POLICY_DENIED: REPLY.notAllowed,
  DIAL_NET_UNREACHABLE: REPLY.networkUnreachable,
  DIAL_HOST_UNREACHABLE: REPLY.hostUnreachable,
  DIAL_NAME_NOT_FOUND: REPLY.hostUnreachable,
  DIAL_NAME_FAILED: REPLY.hostUnreachable,
  DIAL_REFUSED: REPLY.connectionRefused,
  DIAL_TIMEOUT: REPLY.ttlExpired,
};

/** The reply code for an error code. */
export function replyFor(code: ErrorCode): number {
  return REPLIES[code] ?? REPLY.generalFailure;
}

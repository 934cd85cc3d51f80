import type { ErrorCode } from '@millrace/protocol';
import { NodeError } from '../errors.js';

/** What each failure of the platform is called on the wire. The one place where they are mapped. */
const DIAL_CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'DIAL_REFUSED',
  EHOSTUNREACH: 'DIAL_HOST_UNREACHABLE',
  EHOSTDOWN: 'DIAL_HOST_UNREACHABLE',
  ENETUNREACH: 'DIAL_NET_UNREACHABLE',
  ENETDOWN: 'DIAL_NET_UNREACHABLE',
  // No local address of that family: the node has no IPv6, for example.
  EADDRNOTAVAIL: 'DIAL_NET_UNREACHABLE',
  EAFNOSUPPORT: 'DIAL_NET_UNREACHABLE',
  ETIMEDOUT: 'DIAL_TIMEOUT',
};

const LOOKUP_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'DIAL_NAME_NOT_FOUND',
  ENODATA: 'DIAL_NAME_NOT_FOUND',
  ENODOMAIN: 'DIAL_NAME_NOT_FOUND',
};

const LISTEN_CODES: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ADDRESS_UNAVAILABLE',
  EACCES: 'ADDRESS_UNAVAILABLE',
  EPERM: 'ADDRESS_UNAVAILABLE',
  ENOTFOUND: 'ADDRESS_UNAVAILABLE',
  EAFNOSUPPORT: 'ADDRESS_UNAVAILABLE',
};

/** A connection to a target that did not come about. */
export function dialError(error: Error): NodeError {
  return mapped(error, DIAL_CODES, 'DIAL_FAILED', 'the dial failed');
}

/** A name that did not resolve. */
export function lookupError(error: Error): NodeError {
  return mapped(error, LOOKUP_CODES, 'DIAL_NAME_FAILED', 'the name was not resolved');
}

/** A connection to a target that broke. Whatever the system calls it, the target did not end it cleanly. */
export function targetError(error: Error): NodeError {
  return mapped(error, {}, 'TARGET_RESET', 'the connection to the target broke');
}

/** A listener that did not come up. */
export function listenError(error: Error, address: string): NodeError {
  return mapped(error, LISTEN_CODES, 'INTERNAL', `cannot listen on ${address}`);
}

function mapped(
  error: Error,
  codes: Readonly<Record<string, ErrorCode>>,
  otherwise: ErrorCode,
  what: string,
): NodeError {
  const platform = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const code = platform !== undefined && Object.hasOwn(codes, platform) ? codes[platform]! : otherwise;
  // Only the platform's code goes on: its messages name addresses, which answers and events do not tell unasked.
  return new NodeError(code, platform === undefined ? what : `${what} (${platform})`, { cause: error });
}

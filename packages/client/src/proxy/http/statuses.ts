import type { ErrorCode } from '@millrace/protocol';

/** What an application hears of a failure: the status, and the error type of RFC 9209 for `Proxy-Status`. */
export interface HttpFailure {
  status: number;
  type: string;
}

/**
 * 403: the policy said no. 502: the target could not be reached or broke off. 504: it did not answer in time. 503: the
 * tunnel itself cannot take it now.
 */
const FAILURES: Partial<Record<ErrorCode, HttpFailure>> = {
  POLICY_DENIED: { status: 403, type: 'destination_ip_prohibited' },
  DIAL_REFUSED: { status: 502, type: 'connection_refused' },
  DIAL_HOST_UNREACHABLE: { status: 502, type: 'destination_ip_unroutable' },
  DIAL_NET_UNREACHABLE: { status: 502, type: 'destination_ip_unroutable' },
  DIAL_NAME_NOT_FOUND: { status: 502, type: 'dns_error' },
  DIAL_NAME_FAILED: { status: 502, type: 'dns_error' },
  DIAL_FAILED: { status: 502, type: 'destination_unavailable' },
  DIAL_TIMEOUT: { status: 504, type: 'connection_timeout' },
  TARGET_RESET: { status: 502, type: 'connection_terminated' },
  TARGET_NOT_HTTP: { status: 502, type: 'http_protocol_error' },
  TARGET_STALLED: { status: 504, type: 'connection_write_timeout' },
  RELAY_TIMEOUT: { status: 504, type: 'proxy_internal_error' },
  NODE_BUSY: { status: 503, type: 'connection_limit_reached' },
  QUEUE_FULL: { status: 503, type: 'connection_limit_reached' },
  TUNNEL_CLOSED: { status: 503, type: 'proxy_internal_error' },
};

/** The status for an error code; 502 for whatever the tunnel fails with on its way. */
export function failureFor(code: ErrorCode): HttpFailure {
  return FAILURES[code] ?? { status: 502, type: 'proxy_internal_error' };
}

/** One batch: encodes the ops for a relay, sends them, and reads the replies. */
import {
  ProtocolError,
  type BatchOp,
  type BatchResponse,
  type ErrorCode,
  type TunnelResponse,
} from '@millrace/protocol';
import { decodeBatchResponse, encodeBatchRequest } from '@millrace/protocol/level1';
import { failed, type CarrierFailed, type SendOptions } from '../carriers/carrier.js';
import { meaningOf, quoted } from '../carriers/words.js';
import type { ExchangeResult, Lease } from '../carriers/relay-pool.js';
import { codeOf } from './reply-error.js';

/** Sends `ops` over the relay of `lease`. The replies are as many as the ops. Never rejects. */
export function runBatch(
  lease: Lease,
  ops: readonly BatchOp[],
  send: SendOptions,
  held: boolean,
): Promise<ExchangeResult<TunnelResponse[]>> {
  const { entry, name } = lease.relay;
  const body = encodeBatchRequest({
    k: entry.bodyKey,
    ...(entry.kind === 'script' ? { t: 'batch' as const } : {}),
    ops: [...ops],
  });
  return lease.exchange({ body, ops: ops.length, send, held, decode: (answer) => decode(name, answer, ops.length) });
}

function decode(relay: string, body: Uint8Array, count: number): ExchangeResult<TunnelResponse[]> {
  let response: BatchResponse;
  try {
    response = decodeBatchResponse(body);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return failed(
      UNREADABLE[error.code] ?? 'RELAY_BODY',
      `${relay}: the answer is no tunnel body: ${error.message}`,
      true,
      { cause: error },
    );
  }
  if (response.r === undefined) return wholeBatchError(relay, response);
  if (response.r.length !== count) {
    return failed('REPLY_COUNT', `${relay}: ${response.r.length} replies to ${count} ops`, true);
  }
  return { ok: true, value: response.r };
}

const UNREADABLE: Partial<Record<ErrorCode, ErrorCode>> = {
  BODY_EMPTY: 'RELAY_EMPTY',
  BODY_TRUNCATED: 'RELAY_TRUNCATED',
};

/** Codes with which a relay or node says that it ran nothing. */
const NOTHING_RAN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RELAY_AUTH',
  'RELAY_NODE_DOWN',
  'RELAY_OFFLINE',
  'RELAY_TLS',
  'RELAY_QUOTA_DAY',
  'RELAY_QUOTA_RATE',
  'NODE_BUSY',
  'BODY_EMPTY',
  'BODY_UNKNOWN_FORM',
  'BODY_TOO_LARGE',
  'BODY_BAD_GZIP',
  'BODY_TOO_DEEP',
  'BODY_NOT_JSON',
  'BODY_TRUNCATED',
  'MESSAGE_INVALID',
]);

function wholeBatchError(relay: string, response: BatchResponse): CarrierFailed {
  const words = response.e ?? '';
  const message = `${relay} answered: ${quoted(words)}`;
  const code = codeOf(response);
  if (code !== undefined) return failed(code, message, !NOTHING_RAN.has(code));
  const meaning = meaningOf(words);
  return meaning === undefined
    ? failed('RELAY_STATUS', message, true)
    : failed(meaning.code, message, meaning.ambiguous);
}

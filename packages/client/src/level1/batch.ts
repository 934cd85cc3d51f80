/** One batch: encodes the ops for a relay, sends them, and reads the replies. */
import {
  ProtocolError,
  type BatchOp,
  type BatchResponse,
  type ErrorCode,
  type TunnelResponse,
} from '@millrace/protocol';
import { decodeBatchResponse, encodeBatchRequest } from '@millrace/protocol/level1';
import { failed, type SendOptions } from '../carriers/carrier.js';
import { errorAnswer } from '../carriers/error-answer.js';
import type { ExchangeResult, Lease } from '../carriers/relay-pool.js';

/** What a client shows of itself while the level of its peer is unknown. */
export interface ClientHello {
  readonly caps: number;
  /** Client instance, 16 bytes as base64. */
  readonly cid: string;
}

/** How a batch is sent. */
export interface BatchOptions {
  /** The node may hold it, or dials. */
  readonly held: boolean;
  readonly hello?: ClientHello | undefined;
}

/** Sends `ops` over the relay of `lease`. The replies are as many as the ops. Never rejects. */
export function runBatch(
  lease: Lease,
  ops: readonly BatchOp[],
  send: SendOptions,
  { held, hello }: BatchOptions,
): Promise<ExchangeResult<TunnelResponse[]>> {
  const { entry, name } = lease.relay;
  const body = encodeBatchRequest({
    k: entry.bodyKey,
    ...(entry.kind === 'script' ? { t: 'batch' as const } : {}),
    ops: [...ops],
    ...hello,
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
  if (response.r === undefined) return errorAnswer(relay, response);
  if (response.r.length !== count) {
    return failed('REPLY_COUNT', `${relay}: ${response.r.length} replies to ${count} ops`, true);
  }
  return { ok: true, value: response.r };
}

const UNREADABLE: Partial<Record<ErrorCode, ErrorCode>> = {
  BODY_EMPTY: 'RELAY_EMPTY',
  BODY_TRUNCATED: 'RELAY_TRUNCATED',
};

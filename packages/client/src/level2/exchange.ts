/** One packet to the node over a relay, and the packet that answers it. */
import { ProtocolError, type ErrorCode } from '@millrace/protocol';
import { decodeBatchResponse } from '@millrace/protocol/level1';
import { decodeBody, decodePacket, encodeBody, type BodyBuffers, type PacketValue } from '@millrace/protocol/level2';
import { failed, type CarrierFailed, type CarrierFailure, type SendOptions } from '../carriers/carrier.js';
import { errorAnswer } from '../carriers/error-answer.js';
import type { ExchangeResult, Lease } from '../carriers/relay-pool.js';
import type { BodyAccount } from './memory.js';

/** What a relay carries whole. */
export type Form = 'bytes' | 'text';

/** What makes a body of a packet. */
export interface ExchangeOptions {
  /** Stands for the access key. */
  readonly token: Uint8Array;
  readonly form: Form;
  readonly send: SendOptions;
  /** The node may hold it, or dials: its time says nothing about the relay. */
  readonly held: boolean;
  /** Another form will be tried if this one does not arrive whole. */
  readonly trial: boolean;
  /** Counts its bodies. */
  readonly account?: BodyAccount;
  /** Memory for its body. */
  readonly buffers?: BodyBuffers;
}

/** A packet that answers one, and the memory that it is a view of, of which the caller's view is to be dropped. */
export interface AnswerPacket {
  readonly packet: PacketValue;
  readonly memory: Uint8Array;
}

const CONTENT_TYPES: Readonly<Record<Form, string>> = {
  bytes: 'application/octet-stream',
  text: 'text/plain',
};

/** `{`: an error of a relay or node, in the form of level 1. */
const LEFT_BRACE = 0x7b;

/** Sends a packet over the relay of `lease`. Never rejects. */
export async function exchangePacket(
  lease: Lease,
  packet: PacketValue,
  { token, form, send, held, trial, account, buffers }: ExchangeOptions,
): Promise<ExchangeResult<AnswerPacket>> {
  const { entry, name } = lease.relay;
  const body = encodeBody(packet, { token, text: form === 'text', ...(buffers === undefined ? {} : { buffers }) });
  // Memory that is used again may be larger than what lies in it.
  let heldBytes = body.buffer.byteLength;
  account?.add(heldBytes);
  const admits = (bytes: number): boolean => {
    if (account === undefined) return true;
    if (!account.fits(bytes)) return false;
    heldBytes += bytes;
    account.add(bytes);
    return true;
  };
  const memory = (bytes: number, { take }: BodyBuffers): Uint8Array => {
    const taken = take(bytes);
    const more = taken.buffer.byteLength - bytes;
    return more === 0 || admits(more) ? taken : new Uint8Array(bytes);
  };
  const result = await lease.exchange({
    body,
    ops: packet.segments?.length ?? 0,
    send: {
      ...send,
      admits,
      ...(buffers === undefined ? {} : { memory: (bytes: number) => memory(bytes, buffers) }),
      maxAnswerBytes: entry.maxResponseBytes,
      contentType: CONTENT_TYPES[form],
    },
    held,
    ...(trial ? { excuses: isRefusal } : {}),
    decode: (answer) => decode(name, answer, buffers),
  });
  account?.add(-heldBytes);
  // A node that answers this very packet has all of it: nothing here is still to be sent.
  if (result.ok && result.value.packet.answers === packet.n) buffers?.give(body);
  return result;
}

function decode(relay: string, body: Uint8Array, buffers: BodyBuffers | undefined): ExchangeResult<AnswerPacket> {
  try {
    if (body[0] === LEFT_BRACE) return decodeError(relay, body);
    const { packet: memory } = decodeBody(body, 'response');
    const packet = decodePacket(memory);
    buffers?.lend(memory);
    return { ok: true, value: { packet, memory } };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const code = UNREADABLE[error.code] ?? 'RELAY_BODY';
    return failed(code, `${relay}: the answer is no tunnel body: ${error.message}`, true, { cause: error });
  }
}

const UNREADABLE: Partial<Record<ErrorCode, ErrorCode>> = {
  BODY_EMPTY: 'RELAY_EMPTY',
  BODY_TRUNCATED: 'RELAY_TRUNCATED',
};

function decodeError(relay: string, body: Uint8Array): CarrierFailed {
  const response = decodeBatchResponse(body);
  if (response.r === undefined) return errorAnswer(relay, response);
  return failed('PEER_VERSION', `${relay} answered at level 1 what was asked at level 2`, false);
}

/** How nodes and relays answer what they do not take, or what did not reach them whole. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RELAY_AUTH',
  'RELAY_TEXT_ONLY',
  'RELAY_HTML',
  'RELAY_BODY',
  'RELAY_STATUS',
  'RELAY_EMPTY',
  'PEER_VERSION',
  'PACKET_INVALID',
  'MESSAGE_INVALID',
  'BASE64_INVALID',
  'BODY_UNKNOWN_FORM',
  'BODY_NOT_JSON',
  'BODY_TRUNCATED',
]);

/** Whether a body in this form, or of this level, was refused: another may pass. */
export function isRefusal(failure: CarrierFailure): boolean {
  return REFUSALS.has(failure.code);
}

import { ProtocolError } from '../../errors.js';
import { LEVEL1_FIELDS } from '../../gen/level1-fields.js';
import { LIMITS } from '../../gen/limits.js';
import * as validators from '../../gen/validators.js';
import type { BatchOp, BatchRequest, BatchResponse, SingleRequest, TunnelResponse } from '../../spec/level1.js';
import { scanBody } from './scan.js';
import { parseJson } from './text.js';

/** An op that cannot be run. */
export interface InvalidOp {
  /** Which field is wrong, and how. */
  invalid: string;
  /** The op's `seq` where that much could be read, to be echoed. */
  seq?: number;
}

/** A batch request in which a bad op does not cost its neighbours. */
export interface DecodedBatchRequest extends Omit<BatchRequest, 'ops'> {
  ops: (BatchOp | InvalidOp)[];
}

/**
 * A batch request, after its key was checked (`scanKey`). Throws BODY_* and MESSAGE_INVALID; what is wrong with a single op
 * comes as `InvalidOp` in its place. Fields that the spec does not know are left out.
 */
export function decodeBatchRequest(body: Uint8Array): DecodedBatchRequest {
  const raw = parseBody(body);
  const request = pick(raw, LEVEL1_FIELDS.BatchRequest) as Omit<BatchRequest, 'ops'> & { ops: unknown[] };
  if (request.ops === undefined && 'zops' in raw)
    throw invalid('ops: missing (compressed operations are not supported)');
  check(validators.batchEnvelope, request);
  if (request.ops.length > LIMITS.maxBatchOps) {
    throw invalid(`ops: ${request.ops.length}, more than ${LIMITS.maxBatchOps}`);
  }
  return { ...request, ops: request.ops.map((op) => decodeOp(op)) };
}

/** A single operation, after its key was checked. Throws BODY_* and MESSAGE_INVALID. */
export function decodeSingleRequest(body: Uint8Array): SingleRequest {
  const request = pick(parseBody(body), LEVEL1_FIELDS.SingleRequest) as unknown as SingleRequest;
  check(validators.singleRequest, request);
  const missing = missingField(request);
  if (missing !== undefined) throw invalid(missing);
  return request;
}

/**
 * The answer to a batch; one of `r` and `e` is there. Throws BODY_* and MESSAGE_INVALID. A reply that is wrong in itself comes
 * as an error reply with code MESSAGE_INVALID in its place.
 */
export function decodeBatchResponse(body: Uint8Array): BatchResponse {
  const response = pick(parseBody(body), LEVEL1_FIELDS.BatchResponse) as { r?: unknown[]; e?: string; code?: string };
  check(validators.responseEnvelope, response);
  const { r } = response;
  if (r === undefined && response.e === undefined) throw invalid('r: missing');
  if (r === undefined) return response as BatchResponse;
  if (r.length > LIMITS.maxBatchOps) throw invalid(`r: ${r.length}, more than ${LIMITS.maxBatchOps}`);
  return { ...response, r: r.map((reply) => decodeReply(reply)) };
}

/** The answer to a single operation. Throws BODY_* and MESSAGE_INVALID. */
export function decodeTunnelResponse(body: Uint8Array): TunnelResponse {
  const response = pick(parseBody(body), LEVEL1_FIELDS.TunnelResponse);
  check(validators.tunnelResponse, response);
  return response;
}

function parseBody(body: Uint8Array): Record<string, unknown> {
  scanBody(body);
  return parseJson(body);
}

/** The known fields that are there. Older peers write `null` for absent ones. */
function pick(raw: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const field of fields) {
    const value = raw[field];
    if (value !== undefined && value !== null) picked[field] = value;
  }
  return picked;
}

function decodeOp(raw: unknown): BatchOp | InvalidOp {
  if (!isObject(raw)) return { invalid: 'must be an object' };
  const op = pick(raw, LEVEL1_FIELDS.BatchOp) as unknown as BatchOp;
  const wrong = validators.batchOp(op) ? missingField(op) : firstError(validators.batchOp);
  if (wrong === undefined) return op;
  return Number.isSafeInteger(op.seq) && op.seq! >= 0 ? { invalid: wrong, seq: op.seq! } : { invalid: wrong };
}

function decodeReply(raw: unknown): TunnelResponse {
  if (!isObject(raw)) return { e: 'the reply must be an object', code: 'MESSAGE_INVALID' };
  const reply = pick(raw, LEVEL1_FIELDS.TunnelResponse);
  if (validators.tunnelResponse(reply)) return reply;
  return { e: `the reply is invalid: ${firstError(validators.tunnelResponse)}`, code: 'MESSAGE_INVALID' };
}

/** What each op cannot do without. Ops that are not listed are not known, and answered as that. */
const NEEDS: Readonly<Record<string, readonly ('sid' | 'host' | 'port')[]>> = {
  connect: ['host', 'port'],
  connect_data: ['host', 'port'],
  data: ['sid'],
  close: ['sid'],
  udp_open: ['host', 'port'],
  udp_data: ['sid'],
};

function missingField(op: BatchOp | SingleRequest): string | undefined {
  const missing = (Object.hasOwn(NEEDS, op.op) ? NEEDS[op.op]! : []).find((field) => op[field] === undefined);
  return missing === undefined ? undefined : `${missing}: missing, ${op.op} needs it`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (message: string): ProtocolError => new ProtocolError('MESSAGE_INVALID', message);

function check(validator: validators.Validator, value: unknown): void {
  if (!validator(value)) throw invalid(firstError(validator));
}

/** `port: must be <= 65535`. Names the field, never the value. */
function firstError(validator: validators.Validator): string {
  const error = validator.errors![0]!;
  if (error.keyword === 'required') return `${String(error.params['missingProperty'])}: missing`;
  return `${error.instancePath.slice(1).replaceAll('/', '.')}: ${error.message}`;
}

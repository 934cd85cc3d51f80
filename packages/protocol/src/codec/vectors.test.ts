import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { decodeBase64, encodeBase64 } from '../base64.js';
import { bodyForm } from '../body-form.js';
import type { ErrorCode } from '../errors.js';
import { LEVEL1_FIELDS } from '../gen/level1-fields.js';
import { LEVEL2_FIELDS, type MessageName, type PacketValue } from '../gen/level2-fields.js';
import * as validators from '../gen/validators.js';
import type { BatchResponse } from '../spec/level1.js';
import * as level1 from './level1/index.js';
import * as level2 from './level2/index.js';

interface Vector {
  name: string;
  text?: string;
  bytes?: string;
  value?: unknown;
  readOnly?: true;
  error?: ErrorCode;
  [key: string]: unknown;
}

const folder = new URL('../../../../schemas/vectors/', import.meta.url);
const vectors = (file: string): Vector[] =>
  (JSON.parse(readFileSync(new URL(`${file}.json`, folder), 'utf8')) as { vectors: Vector[] }).vectors;

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bodyOf = ({ text, bytes }: Vector): Uint8Array =>
  bytes === undefined ? new Uint8Array(Buffer.from(text!)) : fromHex(bytes);

/** Files that have a test below. */
const run = new Set<string>();

function forEach(file: string, check: (vector: Vector) => void): void {
  run.add(file);
  describe(file, () => {
    test.each(vectors(file))('$name', (vector) => {
      if (vector.error === undefined) check(vector);
      else expect(() => check(vector)).toThrow(expect.objectContaining({ code: vector.error }) as Error);
    });
  });
}

/** Decodes, compares, and encodes again unless the bytes are of a form that is only read. */
function level1Vectors(
  file: string,
  decode: (body: Uint8Array) => unknown,
  encode: (value: never) => Uint8Array,
  shown = (decoded: unknown, _expected: unknown): unknown => decoded,
): void {
  forEach(file, (vector) => {
    expect(shown(decode(bodyOf(vector)), vector.value)).toEqual(vector.value);
    if (!vector.readOnly) expect(toText(encode(vector.value as never))).toBe(vector.text);
  });
}

type Marked = { invalid?: string };

/** An invalid op says which field; the rest of its text is free. */
const namedOps = (decoded: unknown, expected: unknown): unknown => ({
  ...(decoded as object),
  ops: (decoded as level1.DecodedBatchRequest).ops.map((op, index) => {
    const wanted = (expected as { ops: Marked[] }).ops[index]?.invalid;
    return 'invalid' in op && wanted !== undefined && op.invalid.startsWith(wanted)
      ? Object.assign(op, { invalid: wanted })
      : op;
  }),
});

/** An invalid reply becomes an error of its own. */
const namedReplies = (decoded: unknown, expected: unknown): unknown => {
  const { r, ...rest } = decoded as BatchResponse;
  const named = r?.map((reply, index) => {
    const wanted = (expected as { r: Marked[] }).r[index]?.invalid;
    return reply.code === 'MESSAGE_INVALID' && wanted !== undefined && reply.e!.includes(wanted)
      ? { invalid: wanted }
      : reply;
  });
  return named === undefined ? rest : { r: named, ...rest };
};

level1Vectors('level1-batch-request', level1.decodeBatchRequest, level1.encodeBatchRequest, namedOps);
level1Vectors('level1-batch-response', level1.decodeBatchResponse, level1.encodeBatchResponse, namedReplies);
level1Vectors('level1-single-request', level1.decodeSingleRequest, level1.encodeSingleRequest);
level1Vectors('level1-tunnel-response', level1.decodeTunnelResponse, level1.encodeTunnelResponse);

forEach('level1-key', (vector) => expect(level1.scanKey(bodyOf(vector))).toBe(vector['key']));

/** A packet as the vectors write it, with hex for bytes. */
function inHex(
  name: MessageName,
  value: Record<string, unknown>,
  turn: (bytes: never) => unknown,
): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, item]) => {
    const field = LEVEL2_FIELDS[name].find((entry) => entry.name === key)!;
    if (field.type === 'bytes') return [key, turn(item as never)];
    if (!field.message) return [key, item];
    const inner = (entry: unknown) => inHex(field.type as MessageName, entry as Record<string, unknown>, turn);
    return [key, field.repeated ? (item as unknown[]).map((entry) => inner(entry)) : inner(item)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

forEach('level2-packet', (vector) => {
  const decoded = level2.decodePacket(bodyOf(vector)) as unknown as Record<string, unknown>;
  expect(inHex('Packet', decoded, toHex)).toEqual(vector.value);
  const value = inHex('Packet', vector.value as Record<string, unknown>, fromHex) as unknown as PacketValue;
  if (!vector.readOnly) expect(toHex(level2.encodePacket(value))).toBe(vector.bytes);
});

forEach('level2-body', (vector) => {
  const { token, packet, text } = level2.decodeBody(bodyOf(vector), vector['kind'] as 'request' | 'response');
  expect(text).toBe(vector['text']);
  expect(toHex(packet)).toBe(vector['packet']);
  expect(token && toHex(token)).toBe(vector['token']);
  const again = level2.encodeBody(level2.decodePacket(packet), { ...(token && { token }), text });
  expect(toHex(again)).toBe(vector.bytes);
});

run.add('level2-token');
describe('level2-token', () => {
  test.each(vectors('level2-token'))('$name', async ({ key, token }) => {
    expect(toHex(await level2.deriveToken(key as string))).toBe(token);
  });
});

forEach('body-form', (vector) => expect(bodyForm(bodyOf(vector))).toBe(vector['form']));

forEach('base64', (vector) => {
  expect(toHex(decodeBase64(vector.text!))).toBe(vector.bytes);
  expect(encodeBase64(fromHex(vector.bytes!))).toBe(vector.text);
});

forEach('event', (vector) => expect(validators.event(JSON.parse(vector.text!))).toBe(vector['valid']));

test('every file of vectors is run', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  expect(files.sort()).toEqual([...run].map((name) => `${name}.json`).sort());
});

test('every field of the wire is in a vector with it and in one without it', () => {
  const values = [...run].flatMap((file) => vectors(file).map(({ value }) => JSON.stringify(value ?? {})));
  const fields = [
    ...Object.values(LEVEL1_FIELDS),
    ...Object.values(LEVEL2_FIELDS).map((table) => table.map(({ name }) => name)),
  ].flat();
  for (const field of new Set(fields)) {
    expect(
      values.some((value) => value.includes(`"${field}":`)),
      field,
    ).toBe(true);
    expect(
      values.some((value) => !value.includes(`"${field}":`)),
      field,
    ).toBe(true);
  }
});

// Whatever the bytes are: a decoder gives a value or throws a ProtocolError. 100,000 inputs in all, each given to every
// decoder.
import { readdirSync, readFileSync } from 'node:fs';

import {
  array,
  assert,
  constantFrom,
  integer,
  nat,
  oneof,
  property,
  record,
  uint8Array,
  type Arbitrary,
} from 'fast-check';
import { expect, test } from 'vitest';

import { bodyForm, decodeBase64, ProtocolError } from '../index.js';
import * as level1 from './level1/index.js';
import * as level2 from './level2/index.js';

const DECODERS: Readonly<Record<string, (body: Uint8Array) => unknown>> = {
  bodyForm,
  scanKey: level1.scanKey,
  decodeBatchRequest: level1.decodeBatchRequest,
  decodeSingleRequest: level1.decodeSingleRequest,
  decodeBatchResponse: level1.decodeBatchResponse,
  decodeTunnelResponse: level1.decodeTunnelResponse,
  decodePacket: level2.decodePacket,
  decodeRequestBody: (body) => level2.decodePacket(level2.decodeBody(new Uint8Array(body), 'request').packet),
  decodeResponseBody: (body) => level2.decodePacket(level2.decodeBody(new Uint8Array(body), 'response').packet),
  decodeBase64: (body) => decodeBase64(Buffer.from(body).toString('latin1')),
};

/** How many inputs each decoder took, so that a generator that only makes garbage shows. */
const taken = new Map<string, number>();

function decodeAll(body: Uint8Array): void {
  for (const [name, decode] of Object.entries(DECODERS)) {
    try {
      decode(body);
      taken.set(name, (taken.get(name) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
}

const check = (bodies: Arbitrary<Uint8Array>, numRuns: number): void =>
  assert(property(bodies, decodeAll), { numRuns });

test('raw bytes', () => {
  check(uint8Array({ maxLength: 80 }), 20_000);
});

const folder = new URL('../../../../schemas/vectors/', import.meta.url);
const vectors = (file: string) =>
  (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { vectors: { text?: unknown; bytes?: string }[] })
    .vectors;
/** The bodies of every kind, each kind as likely as the others. */
const valid = oneof(
  ...readdirSync(folder)
    .filter((name) => /^(level|base64).*json$/.test(name))
    .map((name) =>
      constantFrom(
        ...vectors(name).map(({ text, bytes }) =>
          bytes === undefined ? Buffer.from(String(text)) : Buffer.from(bytes, 'hex'),
        ),
      ),
    ),
);

/** What is put in: bytes that mean something to one of the forms. */
const piece = oneof(
  uint8Array({ maxLength: 4 }),
  constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '"k":"', '\\u006b', 'null', '1e99', '-', '==', 'A').map(
    (text) => Buffer.from(text),
  ),
  constantFrom([0x80], [0xff, 0xff, 0xff, 0xff, 0x7f], [0x5a, 0x7f], [0x0b], [0xc0, 0x80]).map((bytes) =>
    Uint8Array.from(bytes),
  ),
);
const edit = record({ at: nat(10_000), take: nat(6), put: piece });

test('valid messages with a few changes', () => {
  const mutated = record({
    body: valid,
    edits: array(edit, { maxLength: 3 }),
    cut: integer({ min: -1, max: 200 }),
  }).map(({ body, edits, cut }) => {
    let changed: Buffer = body;
    for (const { at, take, put } of edits) {
      const start = at % (changed.length + 1);
      changed = Buffer.concat([changed.subarray(0, start), put, changed.subarray(start + take)]);
    }
    return cut === -1 || cut > 100 ? changed : changed.subarray(0, cut);
  });
  check(mutated, 50_000);
});

const STRINGS = [
  'k',
  'ops',
  'r',
  'op',
  'data',
  'sid',
  'seq',
  'd',
  'e',
  'pkts',
  'aGk=',
  '',
  '\\u006b',
  '\\ud800',
  '__proto__',
  '\0',
];
const OTHERS = ['{', '}', '[', ']', ',', ':', ' ', '0', '1e400', '-1', 'true', 'null', '"'];
const token = constantFrom(...OTHERS, ...STRINGS.map((text) => `"${text}"`));

test('text in the shape of JSON', () => {
  check(
    array(token, { maxLength: 24 }).map((tokens) => Buffer.from(`{${tokens.join('')}`)),
    30_000,
  );
});

test('every decoder was given something that it took', () => {
  for (const name of Object.keys(DECODERS)) expect(taken.get(name) ?? 0, name).toBeGreaterThan(100);
});

import {
  array,
  assert,
  base64String,
  boolean,
  constant,
  constantFrom,
  maxSafeNat,
  option,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodeBase64, encodeBase64, LIMITS } from '../../index.js';
import type { BatchOp, BatchRequest, SingleRequest, TunnelResponse } from '../../spec/level1.js';
import {
  decodeBatchRequest,
  decodeBatchResponse,
  decodeSingleRequest,
  decodeTunnelResponse,
  encodeBatchRequest,
  encodeBatchResponse,
  encodeSingleRequest,
  encodeTunnelResponse,
} from './index.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const text = (body: Uint8Array): string => Buffer.from(body).toString();
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

/** Leaves absent fields out, as the decoders do. */
const some = <T>(fields: Record<string, unknown>) =>
  record(fields as never, { requiredKeys: [] }).map(
    (value) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T,
  );

const port = constantFrom(1, 80, 65_535);
const name = string({ unit: 'binary', minLength: 1, maxLength: 60 });
const op = some<Partial<BatchOp>>({
  op: constantFrom('version', 'teleport'),
  sid: name,
  host: name,
  port,
  d: base64String(),
  seq: maxSafeNat(),
  wseq: maxSafeNat(),
}).map((value): BatchOp => Object.assign({ op: 'version' }, value));
const reply = some<TunnelResponse>({
  sid: string({ unit: 'binary' }),
  d: base64String(),
  pkts: array(base64String(), { maxLength: 3 }),
  eof: boolean(),
  e: string({ unit: 'binary' }),
  code: string(),
  seq: maxSafeNat(),
  caps: maxSafeNat(),
  v: string({ maxLength: 32 }),
  node: string({ maxLength: 32 }),
  now: maxSafeNat(),
});

/** Lone surrogates have no UTF-8; on the wire they become a replacement character. */
const wellFormed = <T>(value: T): T => JSON.parse(Buffer.from(JSON.stringify(value)).toString()) as T;

describe('what is encoded decodes to the same', () => {
  test('batch requests', () => {
    const request = record({
      k: name,
      t: constant('batch' as const),
      ops: array(op, { maxLength: 5 }),
      caps: option(maxSafeNat(), { nil: undefined }),
      cid: option(base64String(), { nil: undefined }),
    });
    assert(
      property(request, (value) => {
        expect(decodeBatchRequest(encodeBatchRequest(value as BatchRequest))).toEqual(wellFormed(value));
      }),
    );
  });

  test('batch responses', () => {
    assert(
      property(array(reply, { maxLength: 5 }), (r) => {
        expect(decodeBatchResponse(encodeBatchResponse({ r }))).toEqual(wellFormed({ r }));
      }),
    );
  });

  test('single requests', () => {
    const request = some<Partial<SingleRequest>>({ host: name, port, sid: name, data: base64String() }).map((value) =>
      Object.assign({ k: 'secret', op: 'version' }, value),
    );
    assert(
      property(request, (value) => {
        expect(decodeSingleRequest(encodeSingleRequest(value))).toEqual(wellFormed(value));
      }),
    );
  });

  test('single responses', () => {
    assert(
      property(reply, (value) => {
        expect(decodeTunnelResponse(encodeTunnelResponse(value))).toEqual(wellFormed(value));
      }),
    );
  });

  test('a body of 45 MiB, byte for byte', () => {
    const payload = Uint8Array.from({ length: 33 * 2 ** 20 }, (_, i) => (i * 167) >> 5);
    const body = encodeBatchResponse({ r: [{ sid: 's1', d: encodeBase64(payload), eof: false }] });
    expect(body.length).toBeGreaterThan(44 * 2 ** 20);
    const first = decodeBatchResponse(body).r?.at(0);
    expect(Buffer.compare(decodeBase64(first?.d ?? ''), payload)).toBe(0);
  });
});

describe('the bytes of the older form', () => {
  // Typed by hand: what fleets of today send. None of the newer fields may change a byte where it is not used.
  test.each<[string, BatchRequest]>([
    [
      '{"k":"secret","t":"batch","ops":[{"op":"data","sid":"s1"}]}',
      { k: 'secret', t: 'batch', ops: [{ op: 'data', sid: 's1' }] },
    ],
    [
      '{"k":"secret","t":"batch","ops":[{"op":"connect","host":"example.org","port":443}]}',
      { k: 'secret', t: 'batch', ops: [{ op: 'connect', host: 'example.org', port: 443 }] },
    ],
    [
      '{"k":"secret","t":"batch","ops":[{"op":"data","sid":"s1","d":"aGk="},{"op":"close","sid":"s2"}]}',
      {
        k: 'secret',
        t: 'batch',
        ops: [
          { op: 'data', sid: 's1', d: 'aGk=' },
          { op: 'close', sid: 's2' },
        ],
      },
    ],
    ['{"k":"secret","ops":[]}', { k: 'secret', ops: [] }],
  ])('%s', (wire, request) => {
    expect(text(encodeBatchRequest(request))).toBe(wire);
  });

  test('the order of an object does not reach the wire, nor do fields that are undefined or not known', () => {
    const shuffled = { seq: undefined, port: 443, extra: 1, host: 'example.org', op: 'connect' } as unknown as BatchOp;
    const request = { zc: 1, ops: [shuffled], k: 'secret', caps: undefined, zops: 'x' } as unknown as BatchRequest;
    expect(text(encodeBatchRequest(request))).toBe(
      '{"k":"secret","ops":[{"op":"connect","host":"example.org","port":443}]}',
    );
  });

  test('a reply without newer fields', () => {
    expect(text(encodeBatchResponse({ r: [{ eof: false, d: 'aGk=', sid: 's1' }, { e: 'refused' }] }))).toBe(
      '{"r":[{"sid":"s1","d":"aGk=","eof":false},{"e":"refused"}]}',
    );
    expect(text(encodeBatchResponse({ e: 'busy', code: 'NODE_BUSY' }))).toBe('{"e":"busy","code":"NODE_BUSY"}');
  });

  test('newer fields come after the older ones', () => {
    expect(text(encodeTunnelResponse({ caps: 1, seq: 0, sid: 's1' }))).toBe('{"sid":"s1","seq":0,"caps":1}');
  });
});

test.each(['"', '\\', '\n', '\u0000', '\u2028', 'é€😀', '</script>'])(
  '%j travels in a message, short and long',
  (piece) => {
    for (const e of [piece, piece + 'x'.repeat(2000), 'x'.repeat(2000) + piece]) {
      expect(decodeTunnelResponse(encodeTunnelResponse({ e }))).toEqual({ e });
    }
  },
);

test('what is no base64 cannot break out of its field', () => {
  const d = '","op":"close';
  expect(decodeBatchRequest(encodeBatchRequest({ k: 'x', ops: [{ op: 'version', d }] })).ops).toEqual([
    { op: 'version', d },
  ]);
});

const ops = (count: number) =>
  bytes(`{"k":"secret","ops":[${Array.from({ length: count }, () => '{"op":"version"}').join(',')}]}`);

describe('bounds of a batch', () => {
  test('ops', () => {
    expect(decodeBatchRequest(ops(LIMITS.maxBatchOps)).ops).toHaveLength(LIMITS.maxBatchOps);
    expect(() => decodeBatchRequest(ops(LIMITS.maxBatchOps + 1))).toThrow(code('MESSAGE_INVALID'));
  });

  test('replies', () => {
    const r = Array.from({ length: LIMITS.maxBatchOps + 1 }, () => ({ eof: true }));
    expect(decodeBatchResponse(encodeBatchResponse({ r: r.slice(1) })).r).toHaveLength(LIMITS.maxBatchOps);
    expect(() => decodeBatchResponse(encodeBatchResponse({ r }))).toThrow(code('MESSAGE_INVALID'));
  });
});

const connectWith = (fields: string) => bytes(`{"k":"secret","op":"connect","host":"private.example",${fields}}`);

describe('messages', () => {
  test('name the field, what is allowed, and no value', () => {
    expect(() => decodeSingleRequest(connectWith('"port":70000'))).toThrow(/^port: must be <= 65535$/);
    expect(() => decodeSingleRequest(connectWith('"sid":"s"'))).toThrow(/^port: missing, connect needs it$/);
    expect(() => decodeBatchRequest(bytes('{"k":"secret"}'))).toThrow(/^ops: missing$/);
    expect(() => decodeBatchRequest(bytes('{"k":"secret","zops":"abc"}'))).toThrow(
      'compressed operations are not supported',
    );
  });

  test('do not quote a body that is not JSON', () => {
    const body = bytes('{"k":"secret","op":tru}');
    expect(() => decodeSingleRequest(body)).toThrow(code('BODY_NOT_JSON'));
    expect(() => decodeSingleRequest(body)).not.toThrow('secret');
  });
});

test('a field named as something every object has is no field', () => {
  const body = bytes('{"k":"secret","ops":[{"op":"constructor","__proto__":{"sid":"s1"},"toString":1}]}');
  expect(decodeBatchRequest(body).ops).toEqual([{ op: 'constructor' }]);
});

test('decoded bytes of a text body of any content are what was sent', () => {
  assert(
    property(uint8Array({ maxLength: 3000 }), (payload) => {
      const { r } = decodeBatchResponse(encodeBatchResponse({ r: [{ d: encodeBase64(payload) }] }));
      expect(decodeBase64(r?.at(0)?.d ?? '')).toEqual(payload);
    }),
    { numRuns: 200 },
  );
});

import { assert, constantFrom, property, string, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  base64Engines,
  base64Bytes,
  decodeBase64With,
  decodeBase64WithinBy,
  encodeBase64WithinBy,
  type Base64Engine,
  type Base64Runtime,
} from './base64.js';
import { decodeBase64, encodeBase64 } from './index.js';

const reference = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** What newer runtimes have; like theirs, this one takes white space and short padding. */
const modern = {
  Uint8Array: {
    fromBase64: (text: string) => {
      const tight = text.replaceAll(/[ \n]/g, '');
      if (/[^A-Za-z0-9+/=]/.test(tight)) throw new SyntaxError('not base64');
      return new Uint8Array(Buffer.from(tight, 'base64'));
    },
    prototype: {
      toBase64(this: Uint8Array) {
        return reference(this);
      },
    },
  },
} satisfies Base64Runtime;

const bare: Base64Runtime = { Uint8Array: { prototype: {} } };

const engines: [string, Base64Engine][] = [
  ['Buffer', base64Engines({ ...bare, Buffer }).at(0)!],
  ['Uint8Array.fromBase64', base64Engines(modern).at(0)!],
  ['the portable table', base64Engines(bare).at(0)!],
];

/** The text of bytes, as bytes, made within its own memory, which is a part of something larger. */
function encodeWithin(engine: Base64Engine, bytes: Uint8Array): Uint8Array {
  const around = new Uint8Array(base64Bytes(bytes.length) + 20).fill(0xdb);
  const memory = around.subarray(10, -10);
  memory.set(bytes, memory.length - bytes.length);
  encodeBase64WithinBy(engine, memory, bytes.length);
  expect([...around.subarray(0, 10), ...around.subarray(-10)]).toEqual(Array.from({ length: 20 }, () => 0xdb));
  return memory.slice();
}

/** What text stands for, and nothing beside it has changed. */
function decodeWithin(engine: Base64Engine, text: Uint8Array): Uint8Array {
  const around = new Uint8Array(text.length + 20).fill(0xdb);
  const memory = around.subarray(10, -10);
  memory.set(text);
  const bytes = decodeBase64WithinBy(engine, memory);
  expect([bytes.buffer, bytes.byteOffset]).toEqual([around.buffer, 10]);
  expect([...around.subarray(0, 10), ...around.subarray(-10)]).toEqual(Array.from({ length: 20 }, () => 0xdb));
  return bytes.slice();
}

/** Text that is nearly base64. */
const nearly = string({
  unit: constantFrom('A', 'Q', 'g', 'w', 'z', '9', '+', '/', '-', '_', '=', '=', ' ', '\n', 'Ł', 'é'),
  maxLength: 12,
});

const isStrict = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) &&
  reference(Buffer.from(text, 'base64')) === text;

describe.each(engines)('%s', (_, engine) => {
  test('encodes as Buffer does and decodes what it encoded', () => {
    assert(
      property(uint8Array({ maxLength: 100 }), (bytes) => {
        const text = engine.encode(bytes);
        expect(text).toBe(reference(bytes));
        expect(decodeBase64With(engine, text)).toEqual(bytes);
      }),
    );
  });

  test('makes the same text of bytes and back within one memory, and takes no other', () => {
    assert(
      property(uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeWithin(engine, bytes);
        expect(Buffer.from(text).toString('latin1')).toBe(reference(bytes));
        expect(decodeWithin(engine, text)).toEqual(bytes);
      }),
    );
    assert(
      property(nearly, (text) => {
        const ascii = new Uint8Array(Buffer.from(text, 'utf8'));
        if (isStrict(text)) expect(reference(decodeWithin(engine, ascii))).toBe(text);
        else {
          expect(() => decodeWithin(engine, ascii)).toThrow(
            expect.objectContaining({ code: 'BASE64_INVALID' }) as Error,
          );
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('converts within one memory round the ends of pieces', () => {
    for (const length of [49_151, 49_152, 49_153, 98_303, 98_304, 98_305, 147_457]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 167) >> 3);
      const text = encodeWithin(engine, bytes);
      expect(Buffer.from(text).toString('latin1') === reference(bytes)).toBe(true);
      expect(Buffer.compare(decodeWithin(engine, text), bytes)).toBe(0);
    }
  });

  test('converts what lies within a larger buffer', () => {
    const bytes = new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5);
    expect(engine.encode(bytes)).toBe('AQID');
  });

  test('takes standard base64 only', () => {
    assert(
      property(nearly, (text) => {
        if (isStrict(text)) expect(reference(decodeBase64With(engine, text))).toBe(text);
        else
          expect(() => decodeBase64With(engine, text)).toThrow(
            expect.objectContaining({ code: 'BASE64_INVALID' }) as Error,
          );
      }),
      { numRuns: 5000 },
    );
  });

  test('converts a megabyte', () => {
    const bytes = Uint8Array.from({ length: 2 ** 20 + 1 }, (_, i) => (i * 167) >> 3);
    const text = engine.encode(bytes);
    expect(text === reference(bytes)).toBe(true);
    expect(Buffer.compare(decodeBase64With(engine, text), bytes)).toBe(0);
    const ascii = encodeWithin(engine, bytes);
    expect(Buffer.from(ascii).toString('latin1') === text).toBe(true);
    expect(Buffer.compare(decodeWithin(engine, ascii), bytes)).toBe(0);
    for (const [at, byte] of [
      [65_535, 0x3d],
      [65_536, 0x2d],
      [1_000_003, 0x5f],
      [7, 0xc3],
      [200_000, 0x0a],
    ] as const) {
      const changed = ascii.slice();
      changed[at] = byte;
      expect(() => decodeWithin(engine, changed)).toThrow('not base64');
    }
    expect(() => decodeBase64With(engine, `${text.slice(0, 1_000_001)}-${text.slice(1_000_002)}`)).toThrow('1000001');
  });
});

test('decoded bytes have memory of their own', () => {
  const bytes = decodeBase64('AQID');
  expect(bytes.buffer.byteLength).toBe(3);
  expect(Buffer.isBuffer(bytes)).toBe(false);
});

test('the message does not show the text', () => {
  expect(() => decodeBase64('secret-data=')).toThrow(/^not base64: the character at 6 does not belong there$/);
});

test('nothing is nothing', () => {
  expect(encodeBase64(new Uint8Array())).toBe('');
  expect(decodeBase64('')).toEqual(new Uint8Array());
});

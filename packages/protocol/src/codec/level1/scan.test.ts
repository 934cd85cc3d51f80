import {
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  jsonValue,
  nat,
  oneof,
  property,
  record,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, test } from 'vitest';

import { LIMITS } from '../../index.js';
import { scanKey } from './index.js';
import { scanBody } from './scan.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

/** The key, or the code it is refused with. */
function outcome(text: string): { key: string } | { code: string } {
  try {
    return { key: scanKey(bytes(text)) };
  } catch (error) {
    return { code: (error as { code: string }).code };
  }
}

const space = constantFrom('', '', ' ', '\n', '\t\r ');
const name = constantFrom(
  '"k"',
  '"\\u006b"',
  '"\\u006B"',
  '"K"',
  '"ops"',
  '"\\"k"',
  '"\\\\"',
  '"k "',
  '"\\u006c"',
  '"\\U006b"',
  '""',
);
/** Strings whose ends are hard to find, shorter and longer than what is walked byte by byte. */
const hardString = array(constantFrom('a', '\\', '"', 'é', '}', '\n', '€', '"k":'), { maxLength: 60 }).map((parts) =>
  JSON.stringify(parts.join('')),
);
const value = oneof(
  { weight: 3, arbitrary: hardString },
  { weight: 1, arbitrary: jsonValue({ maxDepth: 3 }).map((item) => JSON.stringify(item)) },
  { weight: 1, arbitrary: constantFrom('null', '-1.5e+3', 'true', '[]', '{}', '{"k":"inner"}', '[{"k":[]}]') },
);
const object = array(tuple(space, name, space, space, value, space), { maxLength: 6 }).map(
  (entries) => `{${entries.map(([a, key, b, c, item, d]) => `${a}${key}${b}:${c}${item}${d}`).join(',')}}`,
);

/** JSON.parse, made to count how often the top level has a `k`. */
function reference(text: string): { key: string } | { code: string } | undefined {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  return typeof parsed['k'] === 'string' ? { key: parsed['k'] } : { code: 'MESSAGE_INVALID' };
}

const isK = (key: string): boolean => {
  try {
    return JSON.parse(key) === 'k';
  } catch {
    return false;
  }
};

test('it agrees with JSON.parse about which k it is, and refuses a second one', () => {
  const entries = array(tuple(space, name, space, space, value, space), { maxLength: 6 });
  assert(
    property(entries, (parts) => {
      const text = `{${parts.map(([a, key, b, c, item, d]) => `${a}${key}${b}:${c}${item}${d}`).join(',')}}`;
      const expected = reference(text);
      if (expected === undefined) return;
      const count = parts.filter(([, key]) => isK(key)).length;
      expect(outcome(text)).toEqual(count > 1 ? { code: 'MESSAGE_INVALID' } : expected);
    }),
    { numRuns: 5000 },
  );
});

test('whatever was done to the text: if JSON.parse and it both take it, they mean the same', () => {
  const edit = record({
    at: nat(400),
    take: nat(2),
    put: constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', 'k', '"k":"x",', '\u0000'),
  });
  assert(
    property(object, array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      let changed = text;
      for (const { at, take, put } of edits) {
        const start = at % (changed.length + 1);
        changed = changed.slice(0, start) + put + changed.slice(start + take);
      }
      const seen = outcome(changed);
      const expected = reference(changed);
      if ('key' in seen && expected !== undefined) expect(seen).toEqual(expected);
    }),
    { numRuns: 5000 },
  );
});

test('strings of every length end where they end', () => {
  assert(
    property(
      string({ unit: constantFrom('a', '\\', '"'), maxLength: 90 }),
      integer({ min: 0, max: 40 }),
      boolean(),
      (text, pad, before) => {
        const filler = JSON.stringify('x'.repeat(pad) + text);
        const body = before
          ? `{"a":${filler},"k":${JSON.stringify(text)}}`
          : `{"k":${JSON.stringify(text)},"a":${filler}}`;
        expect(outcome(body)).toEqual({ key: text });
      },
    ),
    { numRuns: 2000 },
  );
});

const nested = (levels: number) => `{"k":"secret","x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
const many = (count: number) => bytes(`{"k":"secret","x":[${'1,'.repeat(count)}1]}`);

describe('bounds', () => {
  test('a body of the largest size is walked, a larger one is not', () => {
    const head = '{"k":"secret","ops":[{"op":"data","d":"';
    const body = new Uint8Array(LIMITS.maxBodyBytes).fill(0x41);
    body.set(bytes(head));
    body.set(bytes('"}]}'), body.length - 4);
    expect(scanKey(body)).toBe('secret');
    expect(() => scanKey(new Uint8Array(LIMITS.maxBodyBytes + 1))).toThrow(code('BODY_TOO_LARGE'));
  });

  test('depth', () => {
    expect(scanKey(bytes(nested(LIMITS.maxJsonDepth)))).toBe('secret');
    expect(() => scanKey(bytes(nested(LIMITS.maxJsonDepth + 1)))).toThrow(code('BODY_TOO_DEEP'));
    expect(() => scanKey(bytes(`{"x":${'['.repeat(1_000_000)}`))).toThrow(code('BODY_TOO_DEEP'));
  });

  test('number of values', () => {
    expect(scanKey(many(LIMITS.maxJsonValues - 3))).toBe('secret');
    expect(() => scanKey(many(LIMITS.maxJsonValues))).toThrow(code('BODY_TOO_LARGE'));
    expect(() => scanKey(bytes(`{"x":[${'{},'.repeat(LIMITS.maxJsonValues / 2)}{}]}`))).toThrow(code('BODY_TOO_LARGE'));
  });

  test('length of the key', () => {
    const key = 'k'.repeat(LIMITS.maxKeyBytes);
    expect(scanKey(bytes(`{"k":"${key}"}`))).toBe(key);
    expect(() => scanKey(bytes(`{"k":"${key}k"}`))).toThrow(code('MESSAGE_INVALID'));
  });
});

test('a key that is not UTF-8 or no JSON string is refused without being shown', () => {
  const broken = [
    Buffer.from('{"k":"secret\xff"}', 'latin1'),
    Buffer.from('{"k":"secret\n"}'),
    Buffer.from('{"k":"secret\\x"}'),
  ];
  for (const body of broken) {
    expect(() => scanKey(body)).toThrow(code('BODY_NOT_JSON'));
    expect(() => scanKey(body)).not.toThrow('secret');
  }
});

test('a scan tells a missing key from one that is no string', () => {
  expect(scanBody(bytes('{"a":1}'))).toEqual({});
  expect(scanBody(bytes('{"k":1}'))).toEqual({ key: null });
  expect(scanBody(bytes('{"k":"x"}'))).toEqual({ key: { start: 5, end: 8 } });
});

// Looks at a JSON body before it is parsed: finds the access key, bounds depth and number of values. It reads brackets,
// strings and, at the top level, the order of keys and values; everything else is left to JSON.parse, which the body has to
// pass too before anything in it is used. So both always mean the same `k`.
import { ProtocolError } from '../../errors.js';
import { LIMITS } from '../../gen/limits.js';
import { decodeUtf8 } from './text.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Where a top-level key or value may stand. */
type Expect = 'first-key' | 'key' | 'colon' | 'value' | 'comma';

/** Span of the value of the top-level `k`, quotes included, if it is a string; `null` if it is something else. */
export interface BodyScan {
  key?: { start: number; end: number } | null;
}

/** Throws BODY_EMPTY, BODY_TOO_LARGE, BODY_TOO_DEEP, BODY_TRUNCATED, BODY_NOT_JSON, or MESSAGE_INVALID for a second `k`. */
export function scanBody(body: Uint8Array): BodyScan {
  if (body.length === 0) throw new ProtocolError('BODY_EMPTY', 'the body is empty');
  if (body.length > LIMITS.maxBodyBytes) {
    throw new ProtocolError('BODY_TOO_LARGE', `the body has ${body.length} bytes, more than ${LIMITS.maxBodyBytes}`);
  }
  let at = skipSpace(body, 0);
  if (at === body.length) throw truncated();
  if (body[at] !== OPEN_BRACE) throw notJson('does not begin with {', at);

  const closers = [CLOSE_BRACE];
  const scan: BodyScan = {};
  let expect: Expect = 'first-key';
  let isKey = false;
  let values = 1;
  at += 1;

  for (; at < body.length; at++) {
    const byte = body[at]!;
    const top = closers.length === 1;
    switch (byte) {
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        break;
      case QUOTE: {
        const end = stringEnd(body, at + 1);
        if (top && expect === 'value') {
          if (isKey) scan.key = { start: at, end: end + 1 };
          expect = 'comma';
        } else if (top) {
          if (expect !== 'first-key' && expect !== 'key') throw notJson('has a string where none may be', at);
          isKey = isNameK(body, at + 1, end);
          if (isKey && scan.key !== undefined) throw new ProtocolError('MESSAGE_INVALID', 'k: given twice');
          expect = 'colon';
        }
        at = end;
        break;
      }
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (top) {
          if (expect !== 'value') throw notJson('has a bracket where none may be', at);
          if (isKey) scan.key = null;
          expect = 'comma';
        }
        if (closers.length >= LIMITS.maxJsonDepth) {
          throw new ProtocolError('BODY_TOO_DEEP', `the body is nested deeper than ${LIMITS.maxJsonDepth} levels`);
        }
        closers.push(byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
        countValue();
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (closers.pop() !== byte) throw notJson('has a bracket that closes nothing', at);
        if (!top) break;
        if (expect !== 'comma' && expect !== 'first-key') throw notJson('ends where a value must follow', at);
        at = skipSpace(body, at + 1);
        if (at !== body.length) throw notJson('goes on after its end', at);
        return scan;
      case COMMA:
        countValue();
        if (!top) break;
        if (expect !== 'comma') throw notJson('has a comma where none may be', at);
        expect = 'key';
        break;
      case COLON:
        if (!top) break;
        if (expect !== 'colon') throw notJson('has a colon where none may be', at);
        expect = 'value';
        break;
      default:
        if (!top) break;
        if (expect !== 'value') throw notJson('has a character where none may be', at);
        at = scalarEnd(body, at) - 1;
        if (isKey) scan.key = null;
        expect = 'comma';
    }
  }
  throw truncated();

  function countValue(): void {
    values += 1;
    if (values > LIMITS.maxJsonValues) {
      throw new ProtocolError('BODY_TOO_LARGE', `the body holds more than ${LIMITS.maxJsonValues} values`);
    }
  }
}

/**
 * The access key of a level 1 request, without building anything else of it. Throws BODY_* where the body is not a bounded
 * JSON object, and MESSAGE_INVALID where `k` is missing, doubled, too long or no string.
 */
export function scanKey(body: Uint8Array): string {
  const { key } = scanBody(body);
  if (key === undefined) throw new ProtocolError('MESSAGE_INVALID', 'k: missing');
  if (key === null) throw new ProtocolError('MESSAGE_INVALID', 'k: must be a string');
  if (key.end - key.start - 2 > LIMITS.maxKeyBytes) {
    throw new ProtocolError('MESSAGE_INVALID', `k: longer than ${LIMITS.maxKeyBytes} bytes`);
  }
  try {
    return JSON.parse(decodeUtf8(body.subarray(key.start, key.end))) as string;
  } catch {
    throw notJson('has a broken string', key.start);
  }
}

/** Strings up to this many bytes are walked; longer ones are worth the call of the native search. */
const WALK_BYTES = 24;

/** Index of the quote that ends the string whose content begins at `start`. */
function stringEnd(body: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const walkEnd = Math.min(at + WALK_BYTES, body.length);
    let quote = -1;
    while (at < walkEnd) {
      const byte = body[at];
      if (byte === QUOTE) {
        quote = at;
        break;
      }
      at += byte === BACKSLASH ? 2 : 1;
    }
    if (quote !== -1) return quote;
    // Here `at` stands at the beginning of a character or escape, so the backslashes before a quote can be counted from it.
    quote = body.indexOf(QUOTE, at);
    if (quote === -1) throw truncated();
    let slashes = 0;
    while (quote - 1 - slashes >= at && body[quote - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote;
    at = quote + 1;
  }
}

/** Whether the string between `start` and `end` spells `k`, escapes included: `\u006b`, `\u006B`. */
function isNameK(body: Uint8Array, start: number, end: number): boolean {
  if (end - start === 1) return body[start] === 0x6b;
  if (end - start !== 6) return false;
  return /^\\u006b$/i.test(String.fromCharCode(...body.subarray(start, end))) && body[start + 1] === 0x75;
}

function scalarEnd(body: Uint8Array, start: number): number {
  let at = start;
  while (at < body.length && !ENDS_SCALAR.has(body[at]!)) at += 1;
  return at;
}

const ENDS_SCALAR = new Set([
  0x20,
  0x09,
  0x0a,
  0x0d,
  QUOTE,
  OPEN_BRACE,
  CLOSE_BRACE,
  OPEN_BRACKET,
  CLOSE_BRACKET,
  COMMA,
  COLON,
]);

function skipSpace(body: Uint8Array, start: number): number {
  let at = start;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at += 1;
  return at;
}

const truncated = (): ProtocolError => new ProtocolError('BODY_TRUNCATED', 'the body ends before its JSON does');
const notJson = (what: string, at: number): ProtocolError =>
  new ProtocolError('BODY_NOT_JSON', `the body ${what} (byte ${at})`);

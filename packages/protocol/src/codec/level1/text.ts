// Bytes ↔ text ↔ JSON.
import { ProtocolError } from '../../errors.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Throws TypeError for bytes that are not UTF-8. */
export const decodeUtf8 = (bytes: Uint8Array): string => utf8.decode(bytes);

/** Nearly all text here is ASCII: then this writes once into memory of the right size. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  return encoder.encodeInto(text, bytes).read === text.length ? bytes : encoder.encode(text);
}

/** Throws BODY_NOT_JSON. The engine's own message would quote the body, and with it the key: it is not passed on. */
export function parseJson(body: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(decodeUtf8(body)) as Record<string, unknown>;
  } catch {
    throw new ProtocolError('BODY_NOT_JSON', 'the body is not JSON');
  }
}

/** A JSON object of those `fields` that are there, in that order. */
export function objectText<T extends object>(
  value: T,
  fields: readonly (keyof T & string)[],
  nested: (field: keyof T & string, item: unknown) => string = fieldText,
): string {
  let text = '';
  for (const field of fields) {
    const item = value[field];
    if (item !== undefined && item !== null) text += `${text === '' ? '' : ','}"${field}":${nested(field, item)}`;
  }
  return `{${text}}`;
}

/** A number, boolean, string or array of strings. */
export function fieldText(field: string, item: unknown): string {
  if (!BYTES.has(field)) return JSON.stringify(item);
  return Array.isArray(item) ? `[${item.map((part) => base64Text(String(part))).join(',')}]` : base64Text(String(item));
}

/** Fields that hold base64. */
const BYTES = new Set(['d', 'data', 'pkts']);

/** A JSON string. base64 needs no escapes, and making sure that nothing ends the string early costs less than escaping it. */
const base64Text = (text: string): string =>
  text.includes('"') || text.includes('\\') ? JSON.stringify(text) : `"${text}"`;

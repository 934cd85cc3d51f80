// base64 for runtimes that bring none.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Uint8Array(128);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/** Joining this many characters at a time keeps the argument list of `fromCharCode` small. */
const PIECE = 3 * 1024;

export function portableEncode(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += PIECE) text += encodePiece(bytes.subarray(start, start + PIECE));
  return text;
}

function encodePiece(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(0x3d); // =
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    codes[at] = ALPHABET.charCodeAt(group >> 18);
    codes[at + 1] = ALPHABET.charCodeAt((group >> 12) & 63);
    if (left > 1) codes[at + 2] = ALPHABET.charCodeAt((group >> 6) & 63);
    if (left > 2) codes[at + 3] = ALPHABET.charCodeAt(group & 63);
    at += 4;
  }
  return String.fromCharCode(...codes);
}

/** The `size` bytes that the text stands for; undefined if a character is not base64. */
export function portableDecode(text: string, size: number): Uint8Array | undefined {
  const end = text.search(/[^A-Za-z0-9+/]/);
  if (end !== -1 && end < Math.ceil((size * 4) / 3)) return undefined;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let i = 0; at < size; i += 4) {
    const group = (value(text, i) << 18) | (value(text, i + 1) << 12) | (value(text, i + 2) << 6) | value(text, i + 3);
    bytes[at] = group >> 16;
    bytes[at + 1] = group >> 8; // writes past the end have no effect
    bytes[at + 2] = group;
    at += 3;
  }
  return bytes;
}

/** 0 for padding. */
const value = (text: string, index: number): number => VALUES[text.charCodeAt(index)]!;

// Standard base64 with padding (RFC 4648, section 4). What runtimes call strict differs: Node's Buffer skips what it does not
// know, takes the URL alphabet and cuts wide characters to a byte; Uint8Array.fromBase64 takes white space. Each engine is
// asked only what it answers reliably, and all give the same.
import { portableDecode, portableEncode } from './base64-portable.js';
import { ProtocolError } from './errors.js';

/** How one runtime converts. */
export interface Base64Engine {
  encode(bytes: Uint8Array): string;
  /** The `size` bytes that the text stands for, by its length and padding; undefined if it is not base64 all through. */
  decode(text: string, size: number): Uint8Array | undefined;
  /** The same within memory, where the runtime has a short way: the last `size` bytes of it become text, which fills all of it. */
  encodeWithin?(memory: Uint8Array, size: number): void;
  /** Text becomes the `size` bytes that it stands for, at its beginning. Where it is not base64: how much of it was, else -1. */
  decodeWithin?(text: Uint8Array, size: number): number;
}

/** Text is made and read in pieces of this size, a multiple of 4: strings of that size cost the least. */
const PIECE_BYTES = 65_536;

/** What a piece stands for: a multiple of 3, so that only the last is padded. */
const PIECE_PAYLOAD_BYTES = (PIECE_BYTES / 4) * 3;

/** The parts of a runtime that are looked for. */
export interface Base64Runtime {
  Buffer?: {
    from(buffer: ArrayBufferLike, offset: number, length: number): BufferView;
    byteLength(text: string, encoding: 'utf8'): number;
  };
  Uint8Array: {
    fromBase64?: (text: string) => Uint8Array;
    prototype: { toBase64?: (this: Uint8Array) => string };
  };
}

interface BufferView {
  write(text: string, encoding: 'base64' | 'latin1'): number;
  write(text: string, offset: number, length: number, encoding: 'base64' | 'latin1'): number;
  toString(encoding: 'base64' | 'latin1', start?: number, end?: number): string;
}

/** Every engine that the runtime has, the quickest first. */
export function base64Engines(runtime: Base64Runtime): Base64Engine[] {
  const engines: Base64Engine[] = [];
  const { Buffer } = runtime;
  if (Buffer !== undefined) {
    engines.push({
      encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
      decode: (text, size) => {
        if (Buffer.byteLength(text, 'utf8') !== text.length || text.includes('-') || text.includes('_'))
          return undefined;
        // Into memory of its own: Buffer.from(text) may hand out a piece of a pool, and a receiver that transfers that
        // piece's buffer would take the whole pool along. Every character that is skipped makes it write fewer bytes.
        const bytes = new Uint8Array(size);
        return Buffer.from(bytes.buffer, 0, size).write(text, 'base64') === size ? bytes : undefined;
      },
      // A piece is a string before it is written, and text grows no quicker than what is left to read: nothing is
      // written over that was not read.
      encodeWithin: ({ buffer, byteOffset, byteLength }, size) => {
        const memory = Buffer.from(buffer, byteOffset, byteLength);
        let at = 0;
        for (let start = byteLength - size; start < byteLength; start += PIECE_PAYLOAD_BYTES) {
          const piece = memory.toString('base64', start, start + PIECE_PAYLOAD_BYTES);
          at += memory.write(piece, at, piece.length, 'latin1');
        }
      },
      decodeWithin: ({ buffer, byteOffset, byteLength }, size) => {
        const memory = Buffer.from(buffer, byteOffset, byteLength);
        let at = 0;
        for (let start = 0; start < byteLength; start += PIECE_BYTES) {
          const piece = memory.toString('latin1', start, start + PIECE_BYTES);
          const whole = Math.min((piece.length / 4) * 3, size - at);
          const text = !piece.includes('-') && !piece.includes('_');
          if (!text || (whole > 0 && memory.write(piece, at, whole, 'base64') !== whole)) return start;
          at += whole;
        }
        return -1;
      },
    });
  }
  const { fromBase64 } = runtime.Uint8Array;
  const { toBase64 } = runtime.Uint8Array.prototype;
  if (fromBase64 !== undefined && toBase64 !== undefined) {
    engines.push({
      encode: (bytes) => toBase64.call(bytes),
      decode: (text, size) => {
        try {
          const bytes = fromBase64.call(Uint8Array, text);
          return bytes.length === size ? bytes : undefined;
        } catch {
          return undefined;
        }
      },
    });
  }
  engines.push({ encode: portableEncode, decode: portableDecode });
  return engines;
}

const engine = base64Engines(globalThis as unknown as Base64Runtime)[0]!;

/** Bytes as padded standard base64. */
export const encodeBase64 = (bytes: Uint8Array): string => engine.encode(bytes);

/**
 * The bytes of padded standard base64, in memory of their own. Throws BASE64_INVALID for anything else: white space, the
 * URL alphabet, missing padding, bits beyond the last byte.
 */
export const decodeBase64 = (text: string): Uint8Array => decodeBase64With(engine, text);

/** Bytes of memory that base64 of so many takes. */
export const base64Bytes = (bytes: number): number => Math.ceil(bytes / 3) * 4;

/**
 * Turns the last `size` bytes of `memory` into padded standard base64, as ASCII, which fills all of it: `memory` has
 * {@link base64Bytes} of that. So large bodies need no other memory.
 */
export const encodeBase64Within = (memory: Uint8Array, size: number): void =>
  encodeBase64WithinBy(engine, memory, size);

/**
 * Turns padded standard base64, as ASCII, into the bytes that it stands for: a view of its own beginning. Throws
 * BASE64_INVALID as `decodeBase64` does; the text is spoilt then.
 */
export const decodeBase64Within = (text: Uint8Array): Uint8Array => decodeBase64WithinBy(engine, text);

/** `encodeBase64Within` by a given engine. */
export function encodeBase64WithinBy(engine: Base64Engine, memory: Uint8Array, size: number): void {
  if (engine.encodeWithin !== undefined) return engine.encodeWithin(memory, size);
  memory.set(new TextEncoder().encode(engine.encode(memory.subarray(memory.length - size))));
}

/** `decodeBase64Within` by a given engine. */
export function decodeBase64WithinBy(engine: Base64Engine, text: Uint8Array): Uint8Array {
  const padding = text.at(-1) !== PADDING ? 0 : text.at(-2) !== PADDING ? 1 : 2;
  const last = String.fromCharCode(text[text.length - padding - 1] ?? 0);
  const whole = text.length % 4 === 0 && (padding === 0 || isLast(last, padding));
  if (engine.decodeWithin === undefined || !whole) {
    // Bytes beyond ASCII become a character that base64 does not have. What is wrong is said by the way that looks for it.
    const bytes = decodeBase64With(engine, new TextDecoder().decode(text));
    text.set(bytes);
    return text.subarray(0, bytes.length);
  }
  const size = (text.length / 4) * 3 - padding;
  const wrong = engine.decodeWithin(text, size);
  if (wrong !== -1) throw invalid(`a character at ${wrong} or after it does not belong there`);
  return text.subarray(0, size);
}

/** `decodeBase64` by a given engine. */
export function decodeBase64With(engine: Base64Engine, text: string): Uint8Array {
  if (text.length % 4 !== 0) throw invalid('its length is no multiple of 4');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = engine.decode(text, (text.length / 4) * 3 - padding);
  if (bytes === undefined) throw invalid(`the character at ${text.search(/[^A-Za-z0-9+/]/)} does not belong there`);
  // One byte leaves four bits of its second character unused, two bytes leave two bits of their third.
  const last = text[text.length - padding - 1]!;
  if (padding > 0 && !isLast(last, padding)) {
    throw invalid('the bits beyond its last byte are not 0');
  }
  return bytes;
}

const PADDING = 0x3d;

/** Whether a character may stand before so much padding: the bits beyond the last byte have to be 0. */
const isLast = (character: string, padding: number): boolean =>
  (padding === 2 ? 'AQgw' : 'AEIMQUYcgkosw048').includes(character);

const invalid = (why: string): ProtocolError => new ProtocolError('BASE64_INVALID', `not base64: ${why}`);

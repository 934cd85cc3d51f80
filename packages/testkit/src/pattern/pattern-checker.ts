import { findInPattern, PATTERN_PERIOD, patternByte, patternView } from './pattern.js';

/** Bytes looked up to say where wrong bytes really belong. Twelve random bytes are unique within a period. */
const PROBE_BYTES = 12;

/** Bytes that are not those of the pattern. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  /** Position of the first wrong byte, from the start of the stream. */
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Checks that a stream is the pattern of one seed, byte by byte and by position, at memory speed. Reversed, repeated,
 * dropped, shifted or changed bytes are all found at the first wrong one.
 */
export class PatternChecker {
  readonly #seed: number;
  #bytes: number;

  /** @param position Position of the first byte that will be pushed. */
  constructor(seed: number, position = 0) {
    this.#seed = seed;
    this.#bytes = position;
  }

  /** Position that is expected next: with a start at 0, the count of bytes checked. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Checks the next bytes of the stream. Throws {@link PatternError}; the checker must not be used after that. */
  push(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length;) {
      const expected = patternView(this.#bytes, chunk.length - done, this.#seed);
      const actual = chunk.subarray(done, done + expected.length);
      if (expected.compare(actual) !== 0) this.#fail(expected, actual, chunk.subarray(done));
      this.#bytes += actual.length;
      done += actual.length;
    }
  }

  /** Throws {@link PatternError} unless exactly `bytes` bytes have come. */
  end(bytes: number): void {
    if (this.#bytes !== bytes) {
      throw new PatternError(this.#bytes, `the stream ended at offset ${this.#bytes}, expected ${bytes} bytes`);
    }
  }

  #fail(expected: Uint8Array, actual: Uint8Array, rest: Uint8Array): never {
    const at = actual.findIndex((byte, i) => byte !== expected[i]);
    const offset = this.#bytes + at;
    const wanted = patternByte(offset, this.#seed);
    throw new PatternError(
      offset,
      `wrong byte at offset ${offset}: ${hex(actual[at]!)}, expected ${hex(wanted)}${this.#origin(rest.subarray(at), offset)}`,
    );
  }

  /** Where the wrong bytes belong, since that tells a dropped piece from a repeated or a foreign one. */
  #origin(wrong: Uint8Array, offset: number): string {
    if (wrong.length < PROBE_BYTES) return '';
    const belongs = findInPattern(wrong.subarray(0, PROBE_BYTES), this.#seed);
    if (belongs === -1) return '; these bytes are not of this pattern';
    const inPeriod = offset - (offset % PATTERN_PERIOD) + belongs;
    return `; these bytes belong at offset ${inPeriod}`;
  }
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** A prime, so that no framing error maps the pattern onto itself. */
const PERIOD = 1_048_573;
const BLOCK = Buffer.alloc(2 * PERIOD);
for (let index = 0; index < PERIOD; index++) {
  BLOCK[index] = BLOCK[index + PERIOD] = Math.imul(index + 1, 2_654_435_761) >>> 24;
}

/** At most `length` bytes of the pattern of `seed`, beginning at `position`: a view that nobody may write to. */
export function pattern(seed: number, position: number, length: number): Buffer {
  const from = (seed * 7919 + position) % PERIOD;
  return BLOCK.subarray(from, from + Math.min(length, PERIOD));
}

/** Fills all of `bytes` with the pattern of `seed`. */
export function fill(bytes: Buffer, seed: number): Buffer {
  for (let at = 0; at < bytes.length;) at += pattern(seed, at, bytes.length - at).copy(bytes, at);
  return bytes;
}

/** Checks that a stream is the pattern of one seed, byte by byte. */
export class PatternCheck {
  bytes = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Checks the next bytes. Throws, saying where the first wrong one is. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const expected = pattern(this.#seed, this.bytes, bytes.length - at);
      const got = bytes.subarray(at, at + expected.length);
      if (expected.compare(got) !== 0) {
        const wrong = got.findIndex((byte, index) => byte !== expected[index]);
        throw new Error(`byte ${this.bytes + wrong} is wrong`);
      }
      at += expected.length;
      this.bytes += expected.length;
    }
  }
}

/** A prime, so that no power-of-two framing error maps the pattern onto itself. */
const PERIOD = 65_521;
const PATTERN = new Uint8Array(2 * PERIOD);
for (let index = 0; index < PERIOD; index++) {
  PATTERN[index] = PATTERN[index + PERIOD] = Math.imul(index + 1, 2_654_435_761) >>> 24;
}

/** At most `length` bytes of a stream's pattern at `position`; never more than the period. */
export function patternAt(salt: number, position: number, length: number): Uint8Array {
  const from = (salt + position) % PERIOD;
  return PATTERN.slice(from, from + Math.min(length, PERIOD));
}

/** Throws, naming the position, where `bytes` at `position` are not the pattern's. */
export function checkPattern(salt: number, position: number, bytes: Uint8Array): void {
  let at = (salt + position) % PERIOD;
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== PATTERN[at]) throw new Error(`byte ${position + index} is wrong`);
    if (++at === PERIOD) at = 0;
  }
}

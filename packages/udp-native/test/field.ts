/** GF(2^8) by the book, for tests to compare with: no tables, no shared code with what is tested. */
export function product(a: number, b: number): number {
  let result = 0;
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ (result & 0x80 ? 0x11d : 0);
    if ((b >> bit) & 1) result ^= a;
  }
  return result;
}

/** The inverse of `a`, by search. */
function inverse(a: number): number {
  for (let b = 1; b < 256; b++) if (product(a, b) === 1) return b;
  throw new Error('0 has no inverse');
}

/** The parity rows of docs/UDP.md: row i, column j is (255 ^ j) / ((255 - i) ^ j). */
export function parityRows(data: number, parity: number): Uint8Array {
  return Uint8Array.from({ length: data * parity }, (_, at) => {
    const row = Math.floor(at / data);
    const column = at % data;
    return product(255 ^ column, inverse((255 - row) ^ column));
  });
}

/** GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d), in which 2 generates every value but 0. */
const POLYNOMIAL = 0x11d;

/** Powers of 2, twice round, so that a sum of two logarithms needs no remainder. */
const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);

for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = value;
  EXP[power + 255] = value;
  LOG[value] = power;
  value <<= 1;
  if (value > 255) value ^= POLYNOMIAL;
}

/** The product of two values. */
export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

/** 1 / `a`; `a` is not 0. */
export function invert(a: number): number {
  return EXP[255 - LOG[a]!]!;
}

/** All products, made on first use: that of a and b stands at 256 a + b. 64 KiB. */
export const products = lazily(() => {
  const table = new Uint8Array(65_536);
  for (let a = 1; a < 256; a++) for (let b = 1; b < 256; b++) table[256 * a + b] = multiply(a, b);
  return table;
});

/** A function that makes its value at the first call and keeps it. */
export function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/**
 * Whether two texts are the same, in a time that depends on the length of `expected` only, so that a stranger learns
 * nothing from how long a refusal takes. Pure: it is also part of the Apps Script file.
 */
export function sameToken(given: string | null | undefined, expected: string): boolean {
  const text = typeof given === 'string' ? given : '';
  let difference = text.length ^ expected.length;
  for (let i = 0; i < expected.length; i += 1) {
    // Beyond the end `charCodeAt` gives NaN, which counts as 0 here.
    difference |= text.charCodeAt(i) ^ expected.charCodeAt(i);
  }
  return difference === 0 && expected !== '';
}

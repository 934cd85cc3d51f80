import { ProtocolError } from '../errors.js';
import { LIMITS } from '../gen/limits.js';

/** A random key of the least length has about 19 different characters; one of hexadecimal digits has at least 9. */
const MIN_DIFFERENT_CHARACTERS = 8;

/**
 * Throws KEY_MISSING for an empty key and KEY_WEAK for one that is too short, too long for the wire, or plainly not random.
 * No check can tell that a key is random; `millrace keygen` makes one that is.
 */
export function checkKey(key: string): void {
  if (key === '') throw new ProtocolError('KEY_MISSING', 'no access key was given');
  const weak = weakness(key);
  if (weak !== undefined) throw new ProtocolError('KEY_WEAK', `the access key ${weak}`);
}

function weakness(key: string): string | undefined {
  if (key.length < LIMITS.minKeyCharacters) {
    return `has ${key.length} characters, at least ${LIMITS.minKeyCharacters} are needed`;
  }
  // A character takes at most 6 bytes in JSON, as an escape.
  if (key.length * 6 > LIMITS.maxKeyBytes) return `has more than ${Math.floor(LIMITS.maxKeyBytes / 6)} characters`;
  if (new Set(key).size < MIN_DIFFERENT_CHARACTERS)
    return `has fewer than ${MIN_DIFFERENT_CHARACTERS} different characters`;
  if (repeats(key)) return 'repeats itself';
  if (isRow(key)) return 'is a row of neighbouring characters';
  return undefined;
}

/** `abcabcab`: a piece of at most half the length, again and again. */
function repeats(key: string): boolean {
  // A text with period p is found inside its double, cut at both ends, at p.
  for (let period = 1; period <= key.length / 2; period++) {
    if (key.slice(period) === key.slice(0, key.length - period)) return true;
  }
  return false;
}

/** More than half of the characters follow the one before by the same step as that one did: `123456…`, `aaaa…`. */
function isRow(key: string): boolean {
  const step = (i: number): number => key.charCodeAt(i) - key.charCodeAt(i - 1);
  let same = 0;
  for (let i = 2; i < key.length; i++) if (step(i) === step(i - 1)) same += 1;
  return same > key.length / 2;
}

import { ProtocolError } from '../errors.js';

/** Deeper than any configuration; keeps a value that holds itself from being followed for ever. */
const MAX_DEPTH = 16;

/**
 * A copy of plain data, in which keys that are `undefined` are left out: defaults are filled into it, and options objects
 * often hold such keys.
 */
export function copyPlain(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH)
    throw new ProtocolError('CONFIG_INVALID', `the configuration is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.map((item) => copyPlain(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    // `__proto__` would not become a key, and so would pass unseen.
    if (key === '__proto__')
      throw new ProtocolError('CONFIG_UNKNOWN_KEY', '__proto__ is not a key of the configuration');
    if (item !== undefined) copy[key] = copyPlain(item, depth + 1);
  }
  return copy;
}

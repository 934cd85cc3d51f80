/**
 * Where a text stops being JSON. The runtime's own message quotes what stands there, which may be a secret, and often
 * gives no place.
 */
export function jsonErrorPlace(text: string): { line: number; column: number } | undefined {
  const offset = errorOffset(text);
  if (offset === undefined) return undefined;
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Nested deeper than this, a text is called wrong where it passes the bound. Configuration needs 4. */
const MAX_DEPTH = 64;

const SPACE = /[ \t\r\n]*/y;
const SCALAR =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

function errorOffset(text: string): number | undefined {
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const take = (char: string): boolean => {
    match(SPACE);
    if (text[at] !== char) return false;
    at += 1;
    return true;
  };
  /** Reads `item` separated by commas up to `end`; false leaves `at` where it went wrong. */
  const list = (end: string, item: () => boolean): boolean => {
    if (take(end)) return true;
    do if (!item()) return false;
    while (take(','));
    return take(end);
  };
  const scalar = (): string | undefined => {
    match(SPACE);
    return match(SCALAR);
  };
  const value = (depth: number): boolean => {
    if (depth > MAX_DEPTH) return false;
    if (take('[')) return list(']', () => value(depth + 1));
    if (take('{')) return list('}', () => scalarKey() && take(':') && value(depth + 1));
    return scalar() !== undefined;
  };
  const scalarKey = (): boolean => {
    match(SPACE);
    return text[at] === '"' && scalar() !== undefined;
  };
  if (!value(0)) return at;
  match(SPACE);
  return at < text.length ? at : undefined;
}

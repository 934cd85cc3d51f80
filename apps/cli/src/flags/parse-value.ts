import { nearest } from './nearest.js';
import type { FlagDefinition, ValueDefinition } from './schema.js';

/**
 * The value of a flag, from its text. Lists accept several values separated by commas.
 * @throws Error whose message says what is allowed; the caller knows the flag
 */
export function parseFlag(flag: FlagDefinition, text: string): unknown {
  if (flag.kind === 'object') return parseObject(flag, text);
  const value = { ...flag, kind: flag.kind };
  if (flag.list && flag.kind === 'integer') return text.split(',').map((part) => parseValue(value, part.trim()));
  return parseValue(value, text);
}

/** One value from its text. Secrets are never repeated in messages: only numbers and choices are. */
export function parseValue(value: ValueDefinition, text: string): string | number | boolean {
  if (value.kind === 'text') return text;
  if (value.kind === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new Error(`needs true or false, not ${JSON.stringify(text)}`);
  }
  if (value.kind === 'choice') {
    if (value.choices?.includes(text)) return text;
    throw new Error(`needs one of ${value.choices?.join(', ')}, not ${JSON.stringify(text)}`);
  }
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = value;
  if (number >= minimum && number <= maximum) return number;
  throw new Error(`needs a whole number ${rangeText(value)}, not ${JSON.stringify(text)}`);
}

/** `from 1 to 8`, or as much of it as there is. */
export function rangeText({ minimum = 0, maximum }: Pick<ValueDefinition, 'minimum' | 'maximum'>): string {
  return maximum === undefined ? `from ${minimum}` : `from ${minimum} to ${maximum}`;
}

/** The compact form of an object: `https://relay.example,kind=script,token-file=FILE`. */
function parseObject(flag: FlagDefinition, text: string): Record<string, unknown> {
  const [first, ...others] = flag.fields ?? [];
  if (!first) throw new Error('takes no value');
  const [head = '', ...rest] = text.split(',');
  if (head === '') throw new Error(`needs its ${first.name} first`);
  const result: Record<string, unknown> = { [first.key]: parseField(first, head) };
  for (const part of rest) {
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    const field = others.find((other) => other.name === name);
    if (!field || at < 0) throw new Error(unknownField(name, at < 0 ? 'no value' : 'no such field', others));
    if (field.key in result) throw new Error(`has ${name} twice`);
    result[field.key] = parseField(field, part.slice(at + 1));
  }
  return result;
}

function parseField(field: ValueDefinition, text: string): string | number | boolean {
  try {
    return parseValue(field, text);
  } catch (error) {
    throw new Error(`${field.name} ${(error as Error).message}`, { cause: error });
  }
}

function unknownField(name: string, what: string, fields: readonly ValueDefinition[]): string {
  const names = fields.map((field) => field.name);
  const guess = names.includes(name) ? undefined : nearest(name, names);
  // Long texts are not repeated: a token with a comma in it would end up on the screen.
  const shown = name.length <= 16 && /^[a-z-]+$/.test(name) ? ` ${JSON.stringify(name)}` : '';
  const hint = guess === undefined ? `fields are ${names.join(', ')}` : `did you mean ${guess}=?`;
  return `has a part${shown} with ${what}: ${hint} (write a comma inside an address as %2C)`;
}

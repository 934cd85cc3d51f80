// What is wrong with a configuration, in words: path, what is allowed, what was given, the nearest key.
import { closest, distance } from 'fastest-levenshtein';

import { ProtocolError } from '../errors.js';
import { configSchema, SECRET_KEYS } from '../gen/config-schema.js';
import type { ValidationError } from '../gen/validators.js';

interface Schema {
  $ref?: string;
  type?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  pattern?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
}

const ROOT = configSchema as Schema;

/** The error for what a validator found in `value`. `section` is where `value` stands in a configuration; `path` is printed in front. */
export function explain(
  error: ValidationError,
  value: unknown,
  section: string | undefined,
  path: string,
): ProtocolError {
  const steps = error.instancePath.split('/').slice(1).map(unescape);
  const name = pathText(path, steps);
  if (error.keyword === 'required') {
    return new ProtocolError(
      'CONFIG_INVALID',
      `${pathText(name, [String(error.params['missingProperty'])])} is missing`,
    );
  }
  const must = allowed(schemaAt(section === undefined ? steps : [section, ...steps]));
  return new ProtocolError(
    'CONFIG_INVALID',
    `${name || 'the configuration'} must be ${must}, not ${given(valueAt(value, steps), steps)}`,
  );
}

/** The error for the first key of `value` that is not known, if there is one. A misspelt key comes before whatever follows from it. */
export function unknownKey(value: unknown, section: string | undefined, path: string): ProtocolError | undefined {
  return unknownBelow(value, schemaAt(section === undefined ? [] : [section]), path);
}

function unknownBelow(value: unknown, schema: Schema, path: string): ProtocolError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { properties, items } = schema;
  for (const [key, inner] of Object.entries(value)) {
    const known = properties !== undefined && Object.hasOwn(properties, key);
    if (properties !== undefined && !Array.isArray(value) && !known) {
      return new ProtocolError(
        'CONFIG_UNKNOWN_KEY',
        `${pathText(path, [key])} is not known; ${nearest(key, Object.keys(properties))}`,
      );
    }
    const below = known ? properties[key] : items;
    const found = below === undefined ? undefined : unknownBelow(inner, follow(below), pathText(path, [key]));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `relays[0].kind`, below `base`. */
export function pathText(base: string, steps: readonly string[]): string {
  return steps.reduce((text, step) => {
    if (/^\d+$/.test(step)) return `${text}[${step}]`;
    const key = /^[\w$-]+$/.test(step) ? step : JSON.stringify(step);
    return text === '' ? key : `${text}.${key}`;
  }, base);
}

const unescape = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');

function schemaAt(steps: readonly string[]): Schema {
  let schema = ROOT;
  for (const step of steps) schema = follow(schema.properties?.[step] ?? schema.items ?? {});
  return schema;
}

const follow = (schema: Schema): Schema =>
  schema.$ref === undefined ? schema : ROOT.definitions![schema.$ref.slice('#/definitions/'.length)]!;

const valueAt = (value: unknown, steps: readonly string[]): unknown =>
  steps.reduce((inner, step) => (inner as Record<string, unknown>)[step], value);

/** What may stand there. */
function allowed(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  switch (schema.type) {
    case 'integer':
      return `a whole number from ${schema.minimum} to ${schema.maximum}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      if (schema.pattern !== undefined) return `a string that matches ${schema.pattern}`;
      return schema.minLength === undefined ? 'a string' : 'a string that is not empty';
    case 'array':
      return 'a list';
    default:
      return 'an object';
  }
}

const LONGEST_SHOWN = 60;

/** What stands there. Secrets, long texts and addresses, which may hold a token, are only described. */
function given(value: unknown, steps: readonly string[]): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' || typeof value === 'boolean')
    return isSecret(steps) ? `a ${typeof value}` : String(value);
  if (typeof value !== 'string') return typeof value === 'object' ? 'an object' : typeof value;
  if (value === '') return 'an empty string';
  if (isSecret(steps) || value.length > LONGEST_SHOWN) return `a string of ${value.length} characters`;
  return JSON.stringify(value);
}

const isSecret = (steps: readonly string[]): boolean => steps.some((step) => SECRET_KEYS.includes(step));

/** The key or name that was meant, where one is near enough; else all of them. */
export function nearest(key: string, known: readonly string[]): string {
  const given = key.toLowerCase();
  const begins = known.filter((name) => name.toLowerCase().startsWith(given) || given.startsWith(name.toLowerCase()));
  const candidates = given.length > 2 && begins.length > 0 ? begins : known;
  const best = closest(
    given,
    candidates.map((name) => name.toLowerCase()),
  );
  const name = candidates.find((candidate) => candidate.toLowerCase() === best)!;
  if (candidates === begins || distance(given, best) <= Math.max(2, Math.floor(name.length / 2)))
    return `did you mean ${name}?`;
  return `known are ${known.join(', ')}`;
}

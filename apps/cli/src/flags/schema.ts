/**
 * Flag definitions, derived from the generated configuration schema: name, help text, default and range have one source,
 * which the configuration file shares.
 */
import { configSchema } from '@millrace/protocol/config';

/** A section of the configuration, and so a set of flags. */
export type SectionName = 'up' | 'doctor' | 'node' | 'relay';

/** What a value is. */
type ValueKind = 'boolean' | 'integer' | 'text' | 'choice';

/** One value: an option, or a field of an option whose value is an object. */
export interface ValueDefinition {
  /** Name in the configuration, such as `pipelineDepth`. */
  readonly key: string;
  /** The name in kebab-case, such as `pipeline-depth`. */
  readonly name: string;
  readonly kind: ValueKind;
  /** Text of the specification, without default and range. */
  readonly text: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly string[];
}

/** One flag of a command. */
export interface FlagDefinition extends Omit<ValueDefinition, 'kind'> {
  /** `object` values are written `FIRST,name=value,…` and have `fields`. */
  readonly kind: ValueKind | 'object';
  /** Whether the flag may be repeated; the values make a list. */
  readonly list: boolean;
  /** Of an object: its fields. The first is written without its name. */
  readonly fields?: readonly ValueDefinition[];
}

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly definitions?: Readonly<Record<string, Schema>>;
}

const root = configSchema as Schema;

/** The flags of a section, in the order of the specification. */
export function flagsOf(section: SectionName): readonly FlagDefinition[] {
  const { properties } = resolve(resolve(root).properties?.[section] ?? {});
  return Object.entries(properties ?? {}).map(([key, schema]) => flagOf(key, resolve(schema)));
}

/** `allowPrivate` → `allow-private`. */
export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function flagOf(key: string, schema: Schema): FlagDefinition {
  if (schema.type !== 'array') return { ...valueOf(key, schema), list: false };
  const item = resolve(schema.items ?? {});
  const text = schema.description ?? '';
  if (item.type !== 'object') {
    const { kind, minimum, maximum, choices } = valueOf(key, item);
    const value = { key, name: kebabCase(key), kind, minimum, maximum, choices, text, default: schema.default };
    return { ...definedOnly(value), list: true };
  }
  // A list of things is given one thing a flag: `relays` becomes `--relay`.
  const name = kebabCase(key).replace(/s$/, '');
  const fields = Object.entries(item.properties ?? {}).map(([field, of]) => valueOf(field, resolve(of)));
  const required = fields.filter((field) => item.required?.includes(field.key));
  const optional = fields.filter((field) => !required.includes(field));
  return { key, name, kind: 'object', list: true, text, fields: [...required, ...optional] };
}

function valueOf(key: string, schema: Schema): ValueDefinition {
  const { minimum, maximum } = schema;
  const value = {
    key,
    name: kebabCase(key),
    kind: kindOf(schema),
    text: schema.description ?? '',
    default: schema.default,
    // Every count has the largest safe integer as its maximum, which tells a reader nothing.
    minimum,
    maximum: maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum,
    choices: schema.enum,
  };
  return definedOnly(value);
}

function kindOf(schema: Schema): ValueKind {
  if (schema.enum) return 'choice';
  if (schema.type === 'boolean') return 'boolean';
  if (schema.type === 'integer' || schema.type === 'number') return 'integer';
  return 'text';
}

/** Follows references; keywords beside a reference win over those of what it names. */
function resolve(schema: Schema): Schema {
  const { $ref, allOf, ...own } = schema;
  const parts = [...($ref === undefined ? [] : [definition($ref)]), ...(allOf ?? [])].map(resolve);
  return Object.assign({}, ...parts, own) as Schema;
}

function definition(ref: string): Schema {
  const found = root.definitions?.[ref.replace(/^#\/definitions\//, '')];
  if (!found) throw new Error(`the configuration schema has no ${ref}`);
  return found;
}

/** Drops keys without a value, so that a spread of the result overwrites nothing. */
function definedOnly<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

// packages/protocol/src/gen/*.ts: constants and tables.
import { level2Messages, wireOf } from './proto.mjs';
import { namedSchema, SCHEMAS } from './schemas.mjs';
import { byName, fieldsOf, walk } from './spec.mjs';
import { codeFile, docComment, literal } from './text.mjs';

export const codeFiles = (schemaOf, version) =>
  Object.entries({
    caps: capabilities(schemaOf('CapabilityBits')),
    'error-codes': errorCodes(schemaOf('ErrorCodes')),
    limits: limits(schemaOf('WireLimits')),
    version: `/** Version of this package. */\nexport const VERSION = ${literal(version)};`,
    'config-schema': configSchema(schemaOf),
    'level1-fields': level1Fields(schemaOf),
    'level2-fields': level2Fields(schemaOf),
  }).map(([name, body]) => [`packages/protocol/src/gen/${name}.ts`, codeFile(body)]);

function constants(name, text, entries) {
  const lines = entries.map(([key, comment, value]) => `${docComment(comment, '  ')}  ${key}: ${value},\n`);
  return `${docComment(text)}export const ${name} = {\n${lines.join('')}} as const;`;
}

function capabilities(schema) {
  const bits = fieldsOf(schema).map(({ name, schema: { bit, description } }) => [name, description, 2 ** bit]);
  if (new Set(bits.map(([, , value]) => value)).size !== bits.length) throw new Error('two capabilities share a bit');
  return constants('CAPABILITY', schema.description, bits);
}

function limits(schema) {
  return constants(
    'LIMITS',
    'The bounds that both sides of the wire rely on; docs/LIMITS.md lists them.',
    fieldsOf(schema).map(({ name, schema: { value, unit, description } }) => [
      name,
      `${description} Unit: ${unit}.`,
      value,
    ]),
  );
}

function errorCodes(schema) {
  const fields = fieldsOf(schema);
  const entries = fields.map(({ name, schema: { description, next, by } }) => {
    if (!description || !next || !by) throw new Error(`${name}: an error code needs a text, @by and @next`);
    return `  ${name}: {\n    text: ${literal(description)},\n    next: ${literal(String(next))},\n    by: ${literal(by)},\n  },\n`;
  });
  return `/** Every stable error code; docs/ERRORS.md lists them. */
export type ErrorCode =
${fields.map(({ name }) => `  | ${literal(name)}`).join('\n')};

/** Of each code: what happened, what to do next, and who ended it. */
export const ERROR_CODES: Readonly<Record<ErrorCode, { readonly text: string; readonly next: string; readonly by: string }>> = {
${entries.join('')}};`;
}

function configSchema(schemaOf) {
  const schema = schemaOf('MillraceConfig');
  const defaulted = new Set();
  const others = new Set();
  const secret = new Set();
  walk(schema, (node) => {
    for (const { name, schema: field } of fieldsOf(node)) {
      (field.default === undefined ? others : defaulted).add(name);
      if (field.secret !== undefined) secret.add(name);
    }
    return node;
  });
  for (const name of defaulted)
    if (others.has(name)) throw new Error(`${name} has a default in one section only: types cannot tell`);
  return `/** Keys that have a default: they are always there in a resolved section. */
export type DefaultedKey = ${[...defaulted]
    .sort(byName)
    .map((name) => literal(name))
    .join(' | ')};

/** Keys whose values no message may show. */
export const SECRET_KEYS: readonly string[] = ${literal([...secret].sort(byName))};

/** JSON schema of the configuration file. */
export const configSchema: object = ${literal(namedSchema(schemaOf, 'config'))};`;
}

function level1Fields(schemaOf) {
  const types = Object.values(SCHEMAS).filter((name) => /Request|Response|Op$/.test(name));
  const table = Object.fromEntries(types.map((name) => [name, writtenFields(schemaOf(name))]));
  return `/** The fields of each message, in the order in which they are written. Reserved ones are neither written nor read. */\nexport const LEVEL1_FIELDS = ${literal(table)} as const;`;
}

const writtenFields = (schema) =>
  fieldsOf(schema)
    .filter((field) => !('reserved' in field.schema))
    .map((field) => field.name);

const RUNTIME_TYPES = { uint64: 'number', uint32: 'number', bool: 'boolean', string: 'string', bytes: 'Uint8Array' };
const UINT32_MAX = 2 ** 32 - 1;

function level2Fields(schemaOf) {
  const messages = level2Messages(schemaOf);
  const interfaces = Object.entries(messages).map(([name, schema]) => {
    const lines = fieldsOf(schema).map((field) => {
      const wire = wireOf(field.schema, field.name);
      const type = wire.message ? `${wire.type}Value${wire.repeated ? '[]' : ''}` : RUNTIME_TYPES[wire.type];
      return `${docComment(field.schema.description, '  ')}  ${field.name}${field.required ? '' : '?'}: ${type};\n`;
    });
    return `${docComment(schema.description)}export interface ${name}Value {\n${lines.join('')}}\n`;
  });
  const tables = Object.fromEntries(
    Object.entries(messages).map(([name, schema]) => [name, fieldsOf(schema).map((field) => fieldEntry(name, field))]),
  );
  return `/** What the codec knows of a field. */
export interface FieldEntry {
  name: string;
  number: number;
  /** Protobuf type, or the name of the message that it holds. */
  type: 'uint64' | 'uint32' | 'bool' | 'string' | 'bytes' | MessageName;
  message?: true;
  repeated?: true;
  required?: true;
  /** Least and greatest number. */
  min?: number;
  max?: number;
  /** Exact size, or largest size, of bytes and (as UTF-8) strings. */
  exactBytes?: number;
  maxBytes?: number;
  /** Most entries of a repeated field. */
  maxCount?: number;
}

export type MessageName = ${Object.keys(messages)
    .map((name) => literal(name))
    .join(' | ')};

${interfaces.join('\n')}
/** The fields of each message. */
export const LEVEL2_FIELDS: Readonly<Record<MessageName, readonly FieldEntry[]>> = ${literal(tables)};`;

  function fieldEntry(message, { name, required, schema }) {
    const wire = wireOf(schema, `${message}.${name}`);
    const bound = (limit) => {
      const entry = schemaOf('WireLimits').properties[limit];
      if (!entry) throw new Error(`${message}.${name}: no limit is called ${limit}`);
      return entry.value;
    };
    const entry = { name, number: schema.field, type: wire.type };
    if (wire.message) entry.message = true;
    if (wire.repeated) {
      entry.repeated = true;
      if (!schema.maxCountLimit) throw new Error(`${message}.${name}: a repeated field needs @maxCountLimit`);
      entry.maxCount = bound(schema.maxCountLimit);
    }
    if (required) entry.required = true;
    if (wire.type === 'uint64' || wire.type === 'uint32') {
      entry.min = schema.minimum ?? 0;
      entry.max = Math.min(
        schema.maximum ?? Number.MAX_SAFE_INTEGER,
        wire.type === 'uint32' ? UINT32_MAX : Number.MAX_SAFE_INTEGER,
      );
    }
    if (schema.exactBytes !== undefined) entry.exactBytes = schema.exactBytes;
    if (wire.type === 'string') entry.maxBytes = schema.maxLength ?? 255;
    if (schema.maxBytesLimit !== undefined) entry.maxBytes = bound(schema.maxBytesLimit);
    return entry;
  }
}

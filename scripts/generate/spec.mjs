// Reads packages/protocol/src/spec with typescript-json-schema. What comes out is JSON Schema plus the project's own tags
// as keywords; `publicSchema` takes those out again.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** Tags of the spec that are no keywords of JSON Schema. `contentEncoding` is one that the reader does not know by itself. */
const OWN_TAGS = [
  'wire',
  'field',
  'bit',
  'by',
  'next',
  'value',
  'unit',
  'secret',
  'anyValue',
  'exactBytes',
  'maxBytesLimit',
  'maxCountLimit',
  'itemsAre',
  'reserved',
];
const READ_TAGS = [...OWN_TAGS, 'contentEncoding'];

const FILES = ['scalars', 'level1', 'level2', 'config', 'events', 'errors', 'caps', 'limits', 'report'];

/** Options of its own, so that nothing of the machine (types of node_modules, paths, a tsconfig) reaches the schema. */
const COMPILER_OPTIONS = {
  target: 'es2022',
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['es2023'],
  types: [],
  noEmit: true,
  strict: true,
  strictNullChecks: true,
  skipLibCheck: true,
};

/** Returns `schemaOf(typeName)`: the schema of a type with `definitions` of what it refers to. */
export function readSpec(root) {
  const reader = require('typescript-json-schema');
  const folder = join(root, 'packages/protocol/src/spec');
  const program = reader.getProgramFromFiles(
    FILES.map((name) => join(folder, `${name}.ts`)),
    COMPILER_OPTIONS,
    folder,
  );
  const generator = reader.buildGenerator(program, {
    required: true,
    strictNullChecks: true,
    ref: true,
    propOrder: true,
    validationKeywords: READ_TAGS,
  });
  if (generator === null) throw new Error('the spec does not compile; see the messages above');
  const rawSchema = (name) => structuredClone(generator.getSchemaForSymbol(name));
  return (name) => repair(rawSchema(name), rawSchema);
}

/** Undoes what the reader does to references, items and texts. */
function repair(schema, rawSchema) {
  return walk(schema, (node) => {
    // The tags of a scalar do not reach the items of an array.
    if (node.itemsAre) {
      const { $schema: _, description: __, ...items } = rawSchema(node.itemsAre);
      node.items = items;
    } else if (node.items?.type === 'number')
      throw new Error(`an array of numbers needs @itemsAre: ${node.description}`);
    // A reference brings the tags of its target along; there they would apply to a schema without its properties.
    if ('$ref' in node) delete node.additionalProperties;
    if (typeof node.description === 'string') node.description = oneLine(node.description);
    if ('anyValue' in node)
      for (const key of Object.keys(node)) if (key !== 'description' && key !== 'reserved') delete node[key];
    return node;
  });
}

/** The schema without the project's own tags, with its keys in a fixed order. */
export function publicSchema(schema, { id, comment, title }) {
  const cleaned = walk(schema, (node) => {
    for (const tag of [...OWN_TAGS, 'propertyOrder']) delete node[tag];
    return orderKeys(node);
  });
  const { $schema, definitions, ...rest } = cleaned;
  return {
    $schema,
    $id: id,
    $comment: comment,
    title,
    ...rest,
    ...(definitions ? { definitions: sortKeys(definitions) } : {}),
  };
}

const KEY_ORDER = [
  '$ref',
  'description',
  'type',
  'const',
  'enum',
  'contentEncoding',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'default',
  'additionalProperties',
  'required',
  'properties',
  'items',
  'anyOf',
];

const place = (key) => (KEY_ORDER.includes(key) ? KEY_ORDER.indexOf(key) : KEY_ORDER.length);
/** Plain order of code units: the same on every machine. */
export const byName = (a, b) => (a < b ? -1 : 1);

function orderKeys(node) {
  return Object.fromEntries(Object.entries(node).sort(([a], [b]) => place(a) - place(b) || byName(a, b)));
}

const sortKeys = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => byName(a, b)));

/** Calls `visit` on every schema node, inner ones first, and returns the rebuilt schema. */
export function walk(schema, visit) {
  if (typeof schema !== 'object' || schema === null) return schema;
  const node = { ...schema };
  for (const group of ['properties', 'definitions']) {
    if (node[group])
      node[group] = Object.fromEntries(Object.entries(node[group]).map(([key, value]) => [key, walk(value, visit)]));
  }
  if (node.items) node.items = walk(node.items, visit);
  if (node.anyOf) node.anyOf = node.anyOf.map((part) => walk(part, visit));
  return visit(node);
}

const oneLine = (text) => text.replace(/\s*\n\s*/g, ' ');

/** `Segment` of `#/definitions/Segment`. */
export const refName = (ref) => ref.slice('#/definitions/'.length);

/** The fields of an object schema in the order of the spec: `{ name, required, schema }`. */
export function fieldsOf(schema) {
  return (schema.propertyOrder ?? []).map((name) => ({
    name,
    required: (schema.required ?? []).includes(name),
    schema: schema.properties[name],
  }));
}

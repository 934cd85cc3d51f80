// Compares schemas/ with those of the newest release, compat/<version>/schemas/, and fails on what a peer, a reader of events
// or a configuration file of that release could trip over. `npm run check:schema`; `--old DIR --new DIR` compares two others.
//
// Allowed everywhere: texts, defaults, a new schema, a new definition, a new optional field (also one whose type is new).
// Allowed besides:
//   event       a new event; a new value of an enum
//   responses   a new value of an enum
//   config      a new value of an enum; a wider range or length; a required field that becomes optional
//   .proto      a new message; a new `optional` or `repeated` field under a number that is free
// Everything else is refused: a schema, definition, field, enum value or event that is gone, renamed or of another type, a new
// required field, a narrower range, a `.proto` field whose number, type, label or name changes, a number used again.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';

import { compareProtos } from './check-schema/proto.mjs';

const TEXTS = ['description', 'title', '$comment', 'default', 'examples'];
/** Bound → whether a larger value allows more. */
const BOUNDS = { minimum: false, maximum: true, minLength: false, maxLength: true };

/** What a schema is for, by its file name. */
function roleOf(name) {
  if (name.startsWith('config.')) return 'config';
  if (name.startsWith('event.')) return 'event';
  return name.includes('response') ? 'response' : 'request';
}

/** What is wrong with the step from `before` to `after`, a line each. */
export function compareSchemas(before, after, role, path = '') {
  const problems = [];
  const say = (text) => problems.push(`${path || 'the schema'}: ${text}`);
  const inner = (key) => (path === '' ? key : `${path}.${key}`);
  const special = new Set([
    'properties',
    'required',
    'definitions',
    'items',
    'anyOf',
    'enum',
    'const',
    ...TEXTS,
    ...Object.keys(BOUNDS),
  ]);

  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!special.has(key) && !isDeepStrictEqual(before[key], after[key])) {
      say(`${key} was ${JSON.stringify(before[key])}, is ${JSON.stringify(after[key])}`);
    }
  }
  compareBounds(before, after, role, say);
  compareValues(before, after, role, say);
  compareRequired(before, after, role, say);

  for (const group of ['properties', 'definitions']) {
    for (const [name, schema] of Object.entries(before[group] ?? {})) {
      const now = after[group]?.[name];
      if (now === undefined) say(`${name} is gone`);
      else problems.push(...compareSchemas(schema, now, role, inner(name)));
    }
  }
  if (before.items && after.items) problems.push(...compareSchemas(before.items, after.items, role, `${path}[]`));
  else if (before.items || after.items) say('items are declared on one side only');
  compareAlternatives(before, after, role, say);
  return problems;
}

function compareBounds(before, after, role, say) {
  for (const [bound, largerAllowsMore] of Object.entries(BOUNDS)) {
    const [was, is] = [before[bound], after[bound]];
    if (was === is) continue;
    const wider = is === undefined || (was !== undefined && is > was === largerAllowsMore);
    if (!wider || role !== 'config') say(`${bound} was ${was ?? 'not set'}, is ${is ?? 'not set'}`);
  }
}

/** `const` is an enum of one. */
const valuesOf = (schema) => schema.enum ?? ('const' in schema ? [schema.const] : undefined);

function compareValues(before, after, role, say) {
  const [was, is] = [valuesOf(before), valuesOf(after)];
  if (was === undefined && is === undefined) return;
  if (was === undefined || is === undefined) {
    say(`its values are ${is === undefined ? 'no longer' : 'now'} listed`);
    return;
  }
  for (const value of was) if (!is.includes(value)) say(`the value ${JSON.stringify(value)} is gone`);
  if (role === 'request')
    for (const value of is) if (!was.includes(value)) say(`the value ${JSON.stringify(value)} is new`);
}

function compareRequired(before, after, role, say) {
  const [was, is] = [before.required ?? [], after.required ?? []];
  for (const name of is) {
    if (!was.includes(name))
      say(`${name} is ${name in (before.properties ?? {}) ? 'now required' : 'new and required'}`);
  }
  if (role === 'config') return;
  for (const name of was)
    if (!is.includes(name) && name in (after.properties ?? {})) say(`${name} is no longer required`);
}

function compareAlternatives(before, after, role, say) {
  const [was, is] = [before, after].map((schema) => (schema.anyOf ?? []).map((part) => JSON.stringify(part)));
  for (const part of was) if (!is.includes(part)) say(`the alternative ${part} is gone`);
  if (role === 'event') return;
  for (const part of is) if (!was.includes(part)) say(`the alternative ${part} is new`);
}

/** Every problem between two folders of schemas. */
export function compareFolders(oldFolder, newFolder) {
  return readdirSync(oldFolder).flatMap((name) => {
    const isProto = name.endsWith('.proto');
    if (!isProto && !name.endsWith('.schema.json')) return [];
    if (!existsSync(join(newFolder, name))) return [`${name} is gone`];
    const [before, after] = [oldFolder, newFolder].map((folder) => readFileSync(join(folder, name), 'utf8'));
    const problems = isProto
      ? compareProtos(before, after)
      : compareSchemas(JSON.parse(before), JSON.parse(after), roleOf(name));
    return problems.map((problem) => `${name}: ${problem}`);
  });
}

/** The folder of the highest version in `compat`, if there is one. */
export function newestRelease(compat) {
  if (!existsSync(compat)) return undefined;
  const versions = readdirSync(compat).filter(
    (name) => /^\d+\.\d+\.\d+$/.test(name) && existsSync(join(compat, name, 'schemas')),
  );
  return versions.sort(byVersion).at(-1);
}

function byVersion(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  return left.reduce((order, part, i) => order || part - right[i], 0);
}

function main() {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { values } = parseArgs({ options: { old: { type: 'string' }, new: { type: 'string' } } });
  const release = newestRelease(join(root, 'compat'));
  if (values.old === undefined && release === undefined) {
    console.log('no release in compat/ yet: nothing to compare with');
    return;
  }
  const oldFolder = values.old ?? join(root, 'compat', release, 'schemas');
  const problems = compareFolders(oldFolder, values.new ?? join(root, 'schemas'));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`schemas fit those of ${values.old ?? release}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

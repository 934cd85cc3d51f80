import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/check-schema.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-check-schema-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (from: string, to: string) =>
  spawnSync(process.execPath, [script, '--old', from, '--new', to], { encoding: 'utf8' });

let count = 0;

/** Runs the check between two versions of one file; returns what it complains about. */
function compare(name: string, before: string | object, after: string | object): string[] {
  const [oldFolder, newFolder] = ['old', 'new'].map((side) => join(folder, `${count}-${side}`)) as [string, string];
  count += 1;
  for (const [path, content] of [
    [oldFolder, before],
    [newFolder, after],
  ] as const) {
    mkdirSync(path);
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const { status, stderr } = run(oldFolder, newFolder);
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(status).toBe(lines.length === 0 ? 0 : 1);
  return lines.map((line) => line.replace(`${name}: `, ''));
}

const base = {
  description: 'A message.',
  type: 'object',
  required: ['a'],
  properties: {
    a: { type: 'string', maxLength: 64 },
    kind: { type: 'string', enum: ['x', 'y'] },
    count: { type: 'integer', minimum: 0, maximum: 10, default: 1 },
    inner: { $ref: '#/definitions/Inner' },
    list: { type: 'array', items: { type: 'string' } },
  },
  definitions: { Inner: { type: 'object', properties: { x: { type: 'integer' } } } },
};

/** A copy of the base with changes at dotted paths; `undefined` takes away. */
function changed(changes: Record<string, unknown>): object {
  const copy = structuredClone(base) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split('.');
    const last = steps.pop()!;
    const target = steps.reduce((node, step) => node[step] as Record<string, unknown>, copy);
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
  return copy;
}

const events = (...names: string[]) => ({
  anyOf: names.map((name) => ({ $ref: `#/definitions/${name}` })),
  definitions: Object.fromEntries(names.map((name) => [name, { type: 'object', required: ['event'] }])),
});

const proto = (...fields: string[]) =>
  `syntax = "proto3";\npackage millrace;\n\n// Text.\nmessage Packet {\n${fields.map((field) => `  // Text.\n  ${field};\n`).join('')}}\n`;

const REQUEST = 'level1-batch-request.schema.json';
const RESPONSE = 'level1-tunnel-response.schema.json';
const CONFIG = 'config.schema.json';
const EVENT = 'event.schema.json';

describe('allowed', () => {
  test.each([
    ['nothing', REQUEST, {}],
    ['texts and defaults', REQUEST, { description: 'Better.', 'properties.count.default': 5 }],
    ['an optional field', REQUEST, { 'properties.new': { type: 'string' } }],
    ['an optional field in a definition', REQUEST, { 'definitions.Inner.properties.y': { type: 'string' } }],
    ['a definition', REQUEST, { 'definitions.Other': { type: 'object' } }],
    ['an enum value of a response', RESPONSE, { 'properties.kind.enum': ['x', 'y', 'z'] }],
    ['an enum value of an event', EVENT, { 'properties.kind.enum': ['w', 'x', 'y'] }],
    ['an enum value of the configuration', CONFIG, { 'properties.kind.enum': ['x', 'y', 'z'] }],
    [
      'a wider range of the configuration',
      CONFIG,
      { 'properties.count.maximum': 20, 'properties.a.maxLength': undefined },
    ],
    ['a field of the configuration that need not be there any more', CONFIG, { required: [] }],
  ])('%s', (_, name, changes) => {
    expect(compare(name, base, changed(changes))).toEqual([]);
  });

  test('a new event', () => {
    expect(compare(EVENT, events('Ready'), events('Open', 'Ready'))).toEqual([]);
    expect(compare(EVENT, events('Open', 'Ready'), events('Ready'))).not.toEqual([]);
  });
});

describe('refused', () => {
  test.each([
    ['a field that is gone', REQUEST, { 'properties.kind': undefined }, 'the schema: kind is gone'],
    ['a definition that is gone', REQUEST, { 'definitions.Inner': undefined }, 'the schema: Inner is gone'],
    ['another type', REQUEST, { 'properties.a.type': 'integer' }, 'a: type was "string", is "integer"'],
    [
      'another type of items',
      REQUEST,
      { 'properties.list.items.type': 'integer' },
      'list[]: type was "string", is "integer"',
    ],
    [
      'another definition',
      REQUEST,
      { 'properties.inner.$ref': '#/definitions/Other' },
      'inner: $ref was "#/definitions/Inner", is "#/definitions/Other"',
    ],
    [
      'a new required field',
      REQUEST,
      { 'properties.new': { type: 'string' }, required: ['a', 'new'] },
      'the schema: new is new and required',
    ],
    ['a field that is now required', CONFIG, { required: ['a', 'kind'] }, 'the schema: kind is now required'],
    ['a field that is no longer required', RESPONSE, { required: [] }, 'the schema: a is no longer required'],
    ['an enum value that is gone', RESPONSE, { 'properties.kind.enum': ['x'] }, 'kind: the value "y" is gone'],
    ['an enum value of a request', REQUEST, { 'properties.kind.enum': ['x', 'y', 'z'] }, 'kind: the value "z" is new'],
    ['values that were not listed', REQUEST, { 'properties.a.enum': ['p'] }, 'a: its values are now listed'],
    ['a narrower range', CONFIG, { 'properties.count.maximum': 5 }, 'count: maximum was 10, is 5'],
    ['a range where none was', CONFIG, { 'properties.a.minLength': 1 }, 'a: minLength was not set, is 1'],
    ['a wider range of a request', REQUEST, { 'properties.count.maximum': 20 }, 'count: maximum was 10, is 20'],
    [
      'another keyword',
      REQUEST,
      { additionalProperties: false },
      'the schema: additionalProperties was undefined, is false',
    ],
  ])('%s', (_, name, changes, problem) => {
    expect(compare(name, base, changed(changes))).toContain(problem);
  });
});

describe('the protobuf schema', () => {
  const before = proto('optional uint64 n = 1', 'optional bytes cid = 2');

  test('may get a new field and a new message', () => {
    const after = `${proto('optional uint64 n = 1', 'optional bytes cid = 2', 'repeated New more = 3')}\nmessage New {\n  optional uint64 a = 1;\n}\n`;
    expect(compare('millrace.proto', before, after)).toEqual([]);
    expect(compare('millrace.proto', after, before)).toEqual(['Packet.more: number 3 is gone', 'message New is gone']);
  });

  test.each([
    ['a number', proto('optional uint64 n = 1', 'optional bytes cid = 3'), 'Packet.cid: number 2 is gone'],
    [
      'a type',
      proto('optional uint32 n = 1', 'optional bytes cid = 2'),
      'Packet, number 1: type was uint64, is uint32',
    ],
    [
      'a label',
      proto('repeated uint64 n = 1', 'optional bytes cid = 2'),
      'Packet, number 1: label was optional, is repeated',
    ],
    ['a name', proto('optional uint64 m = 1', 'optional bytes cid = 2'), 'Packet, number 1: name was n, is m'],
  ])('may not change %s', (_, after, problem) => {
    expect(compare('millrace.proto', before, after)).toEqual([problem]);
  });
});

test('a schema that is gone is refused, a new one is not', () => {
  const [oldFolder, newFolder] = [join(folder, 'a'), join(folder, 'b')];
  mkdirSync(oldFolder);
  mkdirSync(newFolder);
  writeFileSync(join(oldFolder, EVENT), '{}');
  expect(run(oldFolder, newFolder)).toMatchObject({ status: 1, stderr: `${EVENT} is gone\n` });
  expect(run(newFolder, oldFolder)).toMatchObject({ status: 0 });
});

test('the schemas of this repository fit its newest release', () => {
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toMatch(/no release|schemas fit/);
});

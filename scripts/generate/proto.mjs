// schemas/millrace.proto and its codec, from the `@wire` and `@field` tags of level2.ts.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { fieldsOf, refName } from './spec.mjs';
import { MADE_BY } from './text.mjs';

const require = createRequire(import.meta.url);

/** Messages in the order they are printed: name → schema. */
export function level2Messages(schemaOf) {
  const { definitions, ...packet } = schemaOf('Packet');
  return { Packet: packet, ...definitions };
}

/** `uint64`, `uint32`, `bool`, `string`, `bytes`; or the message that the field holds, and whether it repeats. */
export function wireOf(schema, name) {
  const { wire } = schema;
  if (wire === 'message') return { type: refName(schema.$ref), message: true, repeated: false };
  if (wire === 'repeated') return { type: refName(schema.items.$ref), message: true, repeated: true };
  if (!['uint64', 'uint32', 'bool', 'string', 'bytes'].includes(wire))
    throw new Error(`${name}: @wire ${wire} is not known`);
  return { type: wire, message: false, repeated: false };
}

function protoText(messages) {
  const parts = Object.entries(messages).map(([name, schema]) => {
    const taken = new Set();
    const lines = fieldsOf(schema).map((field) => {
      const number = field.schema.field;
      if (!Number.isInteger(number) || number < 1 || number > 31)
        throw new Error(`${name}.${field.name}: @field must be 1 to 31`);
      if (taken.has(number)) throw new Error(`${name}.${field.name}: @field ${number} is taken`);
      taken.add(number);
      const { type, repeated } = wireOf(field.schema, `${name}.${field.name}`);
      return `  // ${field.schema.description}${field.required ? ' Always there.' : ''}\n  ${repeated ? 'repeated' : 'optional'} ${type} ${field.name} = ${number};`;
    });
    return `// ${schema.description}\nmessage ${name} {\n${lines.join('\n')}\n}\n`;
  });
  // `optional` everywhere, so that a field that is there with its zero value differs from one that is not.
  return `// ${MADE_BY}\nsyntax = "proto3";\n\npackage millrace;\n\n${parts.join('\n')}`;
}

export async function protoFiles(schemaOf) {
  const proto = protoText(level2Messages(schemaOf));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-generate-'));
  try {
    writeFileSync(join(folder, 'millrace.proto'), proto);
    const pbjs = promisify(require('protobufjs-cli/pbjs').main);
    const without = ['create', 'verify', 'convert', 'delimited', 'service', 'typeurl'].map((part) => `--no-${part}`);
    const out = join(folder, 'millrace.js');
    await pbjs([
      '-t',
      'static-module',
      '-w',
      'esm',
      '--dts',
      '-r',
      'millrace',
      ...without,
      '-o',
      out,
      join(folder, 'millrace.proto'),
    ]);
    const head = `// ${MADE_BY}\n// Made with protobufjs-cli from schemas/millrace.proto.\n`;
    return [
      ['schemas/millrace.proto', proto],
      ['packages/protocol/src/gen/millrace.js', head + readFileSync(out, 'utf8')],
      ['packages/protocol/src/gen/millrace.d.ts', head + readFileSync(out.replace(/\.js$/, '.d.ts'), 'utf8')],
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

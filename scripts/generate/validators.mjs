// packages/protocol/src/gen/validators.js: ajv's standalone code. Its ESM output still calls `require` for helpers, hence
// the bundler.
import Ajv from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';

import { namedSchema } from './schemas.mjs';
import { walk } from './spec.mjs';
import { MADE_BY } from './text.mjs';

export async function validatorFiles(schemaOf, root) {
  const { schemas, validators } = validatorSchemas(schemaOf);
  const ajv = new Ajv({ useDefaults: true, strict: true, allowUnionTypes: true, code: { source: true, esm: true } });
  for (const [id, schema] of Object.entries(schemas)) ajv.addSchema({ ...withoutTexts(schema), $id: id });
  const ids = Object.fromEntries(Object.entries(validators).map(([name, { ref }]) => [name, ref]));
  const bundled = await build({
    stdin: { contents: standaloneCode(ajv, ids), resolveDir: root, sourcefile: 'validators.js' },
    // File names come out relative to this folder, also where node_modules is a link to elsewhere.
    absWorkingDir: root,
    preserveSymlinks: true,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['main'],
    target: 'es2022',
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
    logLevel: 'silent',
  });
  return [
    [
      'packages/protocol/src/gen/validators.js',
      `// ${MADE_BY}\n// Made with ajv (standalone code) and esbuild.\n${bundled.outputFiles[0].text}`,
    ],
    ['packages/protocol/src/gen/validators.d.ts', declarations(validators)],
  ];
}

/** The schemas by id, and the validators by name. Replies and ops are checked one by one, hence the two envelopes. */
function validatorSchemas(schemaOf) {
  const level1 = (name) => namedSchema(schemaOf, `level1-${name}`);
  const config = namedSchema(schemaOf, 'config');
  const sections = Object.entries(config.properties).filter(([, schema]) => '$ref' in schema);
  return {
    schemas: {
      batchEnvelope: withAnyItems(level1('batch-request'), 'ops'),
      batchOp: level1('batch-op'),
      responseEnvelope: withAnyItems(level1('batch-response'), 'r'),
      tunnelResponse: level1('tunnel-response'),
      singleRequest: level1('single-request'),
      config: withoutDefaults(config),
      sections: config,
      event: namedSchema(schemaOf, 'event'),
      benchReport: namedSchema(schemaOf, 'bench-report'),
    },
    validators: {
      batchEnvelope: { ref: 'batchEnvelope', text: '`BatchRequest` with any `ops`.' },
      batchOp: { ref: 'batchOp', text: '`BatchOp`.' },
      responseEnvelope: { ref: 'responseEnvelope', text: '`BatchResponse` with any `r`.' },
      tunnelResponse: { ref: 'tunnelResponse', text: '`TunnelResponse`.' },
      singleRequest: { ref: 'singleRequest', text: '`SingleRequest`.' },
      config: { ref: 'config', text: '`MillraceConfig`; fills in nothing.' },
      ...Object.fromEntries(
        sections.map(([name, { $ref }]) => [
          `${name}Section`,
          { ref: `sections${$ref}`, text: `the section \`${name}\` of \`MillraceConfig\`; fills in defaults.` },
        ]),
      ),
      event: { ref: 'event', text: '`MillraceEvent`.' },
      benchReport: { ref: 'benchReport', text: '`BenchReport`.' },
    },
  };
}

function withAnyItems(schema, name) {
  const { definitions: _, ...rest } = schema;
  return { ...rest, properties: { ...rest.properties, [name]: { type: 'array' } } };
}

const withoutDefaults = (schema) =>
  walk(schema, (node) => {
    if (node.type !== 'object') delete node.default;
    return node;
  });

const withoutTexts = (schema) =>
  walk(schema, (node) => {
    delete node.description;
    return node;
  });

function declarations(validators) {
  const exports = Object.entries(validators).map(
    ([name, { text }]) => `/** Checks ${text} */\nexport const ${name}: Validator;\n`,
  );
  return `// ${MADE_BY}

/** What ajv found wrong. */
export interface ValidationError {
  instancePath: string;
  schemaPath: string;
  keyword: string;
  params: Record<string, unknown>;
  message?: string;
}

/** Returns whether the data is valid; else \`errors\` tells why, until the next call. */
export interface Validator {
  (data: unknown): boolean;
  errors?: ValidationError[] | null;
}

${exports.join('\n')}`;
}

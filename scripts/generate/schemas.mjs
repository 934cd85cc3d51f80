// schemas/*.schema.json
import { publicSchema } from './spec.mjs';
import { MADE_BY } from './text.mjs';

/** File name → type of the spec. */
export const SCHEMAS = {
  'level1-batch-request': 'BatchRequest',
  'level1-batch-response': 'BatchResponse',
  'level1-batch-op': 'BatchOp',
  'level1-single-request': 'SingleRequest',
  'level1-tunnel-response': 'TunnelResponse',
  config: 'MillraceConfig',
  event: 'MillraceEvent',
  'bench-report': 'BenchReport',
};

/** One public schema by its file name. */
export const namedSchema = (schemaOf, name) =>
  publicSchema(schemaOf(SCHEMAS[name]), { id: `urn:millrace:schema:${name}`, comment: MADE_BY, title: SCHEMAS[name] });

export const schemaFiles = (schemaOf) =>
  Object.keys(SCHEMAS).map((name) => [
    `schemas/${name}.schema.json`,
    `${JSON.stringify(namedSchema(schemaOf, name), null, 2)}\n`,
  ]);

// Golden vectors: bytes ↔ value ↔ error code, for every message and field. Run by scripts/generate.mjs. Most are derived
// from the spec (each field with and without, wrong, missing) with writers of their own; see schemas/vectors/README.md.
import { MADE_BY } from './generate/text.mjs';
import { BASE64, BODY_FORMS, BROKEN_BODIES, KEYS, TOKENS } from './vectors/by-hand.mjs';
import { eventVectors } from './vectors/events.mjs';
import { level1Vectors, withCode } from './vectors/level1.mjs';
import { bodyVectors, packetVectors } from './vectors/level2.mjs';

export function vectorFiles(schemaOf) {
  const files = {
    ...level1Vectors(schemaOf),
    'level1-key': [
      ...KEYS.map(({ name, ...rest }) => Object.assign({ name: `k ${name}` }, rest)),
      ...BROKEN_BODIES.filter(([, , code]) => code !== 'BODY_NOT_JSON').map(withCode),
    ],
    'level2-packet': packetVectors(schemaOf),
    'level2-body': bodyVectors(schemaOf),
    'level2-token': TOKENS,
    'body-form': BODY_FORMS,
    base64: BASE64,
    event: eventVectors(schemaOf),
  };
  return Object.entries(files).map(([name, vectors]) => [`schemas/vectors/${name}.json`, fileText(vectors)]);
}

/** One vector a line, so that a difference shows which. */
const fileText = (vectors) => `{
  "$comment": ${JSON.stringify(`${MADE_BY} See README.md.`)},
  "vectors": [
${vectors.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n')}
  ]
}
`;

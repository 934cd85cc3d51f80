// Writes everything that is generated. From packages/protocol/src/spec: JSON schemas, validators, the protobuf schema and
// codec, constants, golden vectors, and the tables in the docs; from packages/relay: the Apps Script template; from
// packages/udp-session: the WebAssembly kernel, and its golden vectors. `npm run generate`; with
// `--check` it writes nothing, names each file that would differ and exits 1. The output depends on those sources and the
// version in package.json only.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { appsScriptFiles } from './generate-apps-script.mjs';
import { wasmFiles } from './generate-wasm.mjs';
import { codeFiles } from './generate/code.mjs';
import { docFiles } from './generate/docs.mjs';
import { protoFiles } from './generate/proto.mjs';
import { schemaFiles } from './generate/schemas.mjs';
import { readSpec } from './generate/spec.mjs';
import { validatorFiles } from './generate/validators.mjs';
import { vectorFiles } from './vectors.mjs';
import { fecVectors } from './vectors/fec.mjs';
import { udpPacketVectors } from './vectors/udp-packet.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Path from the root → content, of every generated file. Throws before anything is written. */
async function generate() {
  const schemaOf = readSpec(root);
  const version = JSON.parse(readFileSync(join(root, 'packages/protocol/package.json'), 'utf8')).version;
  const read = (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined);
  return new Map([
    ...schemaFiles(schemaOf),
    ...codeFiles(schemaOf, version),
    ...(await validatorFiles(schemaOf, root)),
    ...(await protoFiles(schemaOf)),
    ...vectorFiles(schemaOf),
    ...docFiles(schemaOf, read),
    ...(await appsScriptFiles(root)),
    ...(await wasmFiles(root)),
    ...fecVectors(),
    ...udpPacketVectors(),
  ]);
}

const check = process.argv.includes('--check');
const files = await generate();
const differing = [...files].filter(([path, content]) => {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, 'utf8') !== content;
});
for (const [path, content] of differing) {
  if (check) {
    console.error(`${path} differs from what its source says: run npm run generate`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  console.log(`wrote ${path}`);
}
if (differing.length === 0) console.log(`${files.size} generated files are up to date`);

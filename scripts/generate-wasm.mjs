// Assembles the WebAssembly kernel of @millrace/udp-session, src/fec/dot.wat, into a module with its bytes as base64.
// Called by scripts/generate.mjs; `node scripts/generate-wasm.mjs` alone writes just that file, with `--check` it only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const SOURCE = 'packages/udp-session/src/fec/dot.wat';
const OUTPUT = 'packages/udp-session/src/gen/dot-wasm.ts';

/** [path from the root, content] of the generated module. */
export async function wasmFiles(root) {
  const assembler = await wabt();
  const module = assembler.parseWat('dot.wat', readFileSync(join(root, SOURCE), 'utf8'), { simd: true });
  module.resolveNames();
  module.validate();
  const { buffer } = module.toBinary({ write_debug_names: false });
  module.destroy();
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,100}/g);
  const content = `// Made by scripts/generate-wasm.mjs from src/fec/dot.wat: do not edit, run \`npm run generate\`.\n
/** The kernel, as base64 of a WebAssembly module. */
export const DOT_WASM: string = [\n${lines.map((line) => `  '${line}',\n`).join('')}].join('');\n`;
  return [[OUTPUT, content]];
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  for (const [path, content] of await wasmFiles(root)) {
    if (!argv.includes('--check')) writeFileSync(join(root, path), content);
    else if (readFileSync(join(root, path), 'utf8') !== content) {
      console.error(`${path} differs from what its source says: run npm run generate`);
      process.exitCode = 1;
    }
  }
}

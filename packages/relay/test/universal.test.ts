import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test.each(['fetch', 'apps-script'])('%s needs nothing but the protocol package: no Node, no undici', async (entry) => {
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: [`src/${entry}/index.ts`],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    packages: 'external',
    outdir: 'unused',
    tsconfigRaw: {},
  });
  const imported = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  expect(imported.filter((path) => !path.startsWith('@millrace/protocol'))).toEqual([]);
});

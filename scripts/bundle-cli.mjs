// Bundles what the command takes from private packages (src/bundled) into its own files, since they are not published with it.
// Run in the command's folder, after the compiler. Packages that it depends on stay imports.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const folder = 'src/bundled';
const { metafile } = await build({
  entryPoints: readdirSync(folder).map((name) => join(folder, name)),
  outdir: 'dist/bundled',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: Object.keys(manifest.dependencies).flatMap((name) => [name, `${name}/*`]),
  metafile: true,
  logLevel: 'warning',
});
// Anything else that is left outside would be missing where the command is installed.
for (const [file, { imports }] of Object.entries(metafile.outputs)) {
  for (const { path } of imports) {
    const known =
      path.startsWith('node:') ||
      Object.keys(manifest.dependencies).some((name) => path === name || path.startsWith(`${name}/`));
    if (!known) throw new Error(`${file} imports ${path}, which is not a dependency of ${manifest.name}`);
  }
}

// Packs the present version of every published package, with the schemas, into compat/<version>/: what people run, kept
// so that later versions are tested against it. Run once per release, after `npx changeset version` and a build.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packAll, publishedFolders, publishedPackages, root, run } from './run.mjs';

// All packages share one version; a difference means that the release was not made with changesets.
const versions = [...new Set(publishedPackages().map((manifest) => manifest.version))];
if (versions.length !== 1) throw new Error(`the packages have different versions: ${versions.join(', ')}`);
const [version] = versions;
const folder = join(root, 'compat', version);
if (existsSync(folder) && !process.argv.includes('--again')) {
  process.stderr.write(
    `compat/${version} exists: a release is packed once (--again replaces it before it is published)\n`,
  );
  process.exit(1);
}
// From nothing, or what an earlier build left behind would be packed too.
for (const path of publishedFolders) rmSync(join(root, path, 'dist'), { recursive: true, force: true });
if (!run('npx', ['turbo', 'run', 'build', '--force', '--output-logs=errors-only'])) process.exit(1);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const { name, tarball } of packAll(folder)) process.stdout.write(`${name} ${tarball.slice(root.length)}\n`);
cpSync(join(root, 'schemas'), join(folder, 'schemas'), { recursive: true });

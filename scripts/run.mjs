// Small helpers that the scripts share.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders of the packages that are published, in the order of their dependencies. */
export const publishedFolders = [
  'packages/protocol',
  'packages/relay',
  'packages/node-server',
  'packages/client',
  'apps/cli',
];

/** Runs a program in the repository (or `options.cwd`) with its output shown; returns whether it succeeded. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) process.stderr.write(`${program}: ${error.message}\n`);
  return status === 0;
}

/** Runs a program and returns its standard output; throws with what it printed when it fails. */
export function output(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The manifests of the published packages. */
export function publishedPackages() {
  return publishedFolders.map((path) => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')));
}

/** Packs every published package into `folder`; gives name, version, tarball and the exported subpaths of each. */
export function packAll(folder) {
  return publishedFolders.map((path) => {
    const { name, version, exports } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
    const [{ filename }] = JSON.parse(
      output('npm', ['pack', '--json', '--pack-destination', folder], { cwd: join(root, path) }),
    );
    const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json');
    return { name, version, tarball: join(folder, filename), subpaths, library: subpaths.length > 0 };
  });
}

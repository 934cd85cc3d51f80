import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildFailure, type Plugin } from 'esbuild';
import { BenchError } from '../errors.js';
import { keepUntilExit, removeMade } from './made-folders.js';

/** The folder of this repository. */
export const repositoryFolder = fileURLToPath(new URL('../../../../', import.meta.url));

const workersFolder = join(repositoryFolder, 'packages/bench/src/workers');

/** Workers that are part of what is measured; all others belong to the harness. */
const SUBJECT_WORKERS = new Set(['client', 'relay', 'node', 'micro']);

/**
 * Bundles workers against the `@millrace/*` packages of the tree at `folder`, and gives the folder of the results: with
 * `harness`, those that measure, else those that are measured. Both sides of a comparison are built by the same means
 * and measured by the same harness, so that only the code under test differs. Other packages are those of this
 * repository on both sides.
 *
 * @throws BenchError `TREE` when the tree lacks a package or file that a worker needs.
 */
export async function bundleWorkers(part: 'harness' | 'subject', folder: string = repositoryFolder): Promise<string> {
  const cache = join(repositoryFolder, 'node_modules/.cache/millrace-bench');
  await mkdir(cache, { recursive: true });
  const outdir = keepUntilExit(await mkdtemp(join(cache, `${part}-`)));
  const entryPoints = readdirSync(workersFolder)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => SUBJECT_WORKERS.has(basename(name, '.ts')) === (part === 'subject'))
    .map((name) => join(workersFolder, name));
  const building = build({
    absWorkingDir: repositoryFolder,
    entryPoints,
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'silent',
    plugins: [packagesOf(folder)],
  });
  try {
    await building;
  } catch (error) {
    await removeBundle(outdir);
    const [first] = (error as BuildFailure).errors ?? [];
    throw new BenchError(
      'TREE',
      `the workers do not build against ${folder}: ${first?.text ?? (error as Error).message}`,
      { cause: error },
    );
  }
  return outdir;
}

/** Removes what {@link bundleWorkers} made. */
export const removeBundle = removeMade;

/** Resolves `@millrace/*` to the sources of a tree, or to its built files where it has no sources. */
export function packagesOf(folder: string): Plugin {
  return {
    name: 'packages-of-tree',
    setup(build) {
      build.onResolve({ filter: /^@millrace\// }, ({ path }) => ({ path: exportedFile(folder, path) }));
    },
  };
}

/** The file that `specifier` means in the tree at `folder`. */
function exportedFile(folder: string, specifier: string): string {
  const [, name = '', ...rest] = specifier.split('/');
  const manifest = join(folder, 'packages', name, 'package.json');
  if (!existsSync(manifest)) throw new Error(`${folder} has no package ${name}`);
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports: Record<string, { default?: string }> };
  const target = exports[rest.length > 0 ? `./${rest.join('/')}` : '.']?.default;
  if (!target) throw new Error(`${specifier} is not exported in ${folder}`);
  const built = join(dirname(manifest), target);
  const source = join(dirname(manifest), target.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts'));
  return existsSync(source) ? source : built;
}

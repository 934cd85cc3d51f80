import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type BuildFailure, type Plugin } from 'esbuild';
import { BenchError } from '../errors.js';
import { keepUntilExit, removeMade } from './made-folders.js';

/** The folder of this repository. */
export const repositoryFolder = fileURLToPath(new URL('../../../../', import.meta.url));

const workersFolder = join(repositoryFolder, 'packages/bench/src/workers');

/** Workers that are part of what is measured, and that every tree has to build; all others but {@link OPTIONAL} belong to the harness. */
const SUBJECT_WORKERS = new Set(['client', 'relay', 'node']);
/** Workers that measure single functions, and UDP sessions. A tree that lacks what one of them needs goes without it. */
const OPTIONAL = /^(?:micro|session)-/;

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
  const names = readdirSync(workersFolder)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => basename(name, '.ts'));
  const optional = names.filter((name) => OPTIONAL.test(name));
  const others = names.filter((name) => !OPTIONAL.test(name) && SUBJECT_WORKERS.has(name) === (part === 'subject'));
  const error = await bundle(others, outdir, folder);
  if (error !== undefined) {
    await removeBundle(outdir);
    throw new BenchError('TREE', `the workers do not build against ${folder}: ${error}`);
  }
  if (part === 'subject') {
    await Promise.all(
      optional.map(async (name) => {
        const lacking = await bundle([name], outdir, folder);
        if (lacking !== undefined) await writeFile(missingFile(outdir, name), lacking);
      }),
    );
  }
  return outdir;
}

/** Where it is written why a worker could not be built. */
export const missingFile = (folder: string, worker: string): string => join(folder, `${worker}.missing`);

/** Bundles some workers; gives what went wrong. */
async function bundle(names: string[], outdir: string, folder: string): Promise<string | undefined> {
  const building = build({
    absWorkingDir: repositoryFolder,
    entryPoints: names.map((name) => join(workersFolder, `${name}.ts`)),
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
    return undefined;
  } catch (error) {
    const [first] = (error as BuildFailure).errors ?? [];
    return first?.text ?? (error as Error).message;
  }
}

/** Removes what {@link bundleWorkers} made. */
export const removeBundle = removeMade;

/** Part of the harness, wherever it is imported: an older tree may have another one, and a packed one has none. */
const TESTKIT = '@millrace/testkit';
const ADDON_SOURCES = /[\\/]udp-native[\\/](?:src|dist)[\\/].*\.[jt]s$/;
const testkitFolder = join(repositoryFolder, 'packages/testkit');

/** Resolves `@millrace/*` to the sources of a tree, or to its built files where it has no sources. */
export function packagesOf(folder: string): Plugin {
  return {
    name: 'packages-of-tree',
    setup(build) {
      build.onResolve({ filter: /^@millrace\// }, ({ path, importer }) => {
        const ofHarness = path === TESTKIT || importer.startsWith(testkitFolder);
        return { path: exportedFile(ofHarness ? repositoryFolder : folder, path) };
      });
      // The addon is looked for beside the file that loads it, wherever that is bundled into.
      build.onLoad({ filter: ADDON_SOURCES }, async ({ path }) => ({
        contents: (await readFile(path, 'utf8')).replaceAll(
          'import.meta.url',
          JSON.stringify(pathToFileURL(path).href),
        ),
        loader: path.endsWith('.ts') ? 'ts' : 'js',
      }));
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

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { BenchError } from '../errors.js';
import { repositoryFolder } from '../process/bundle.js';
import { keepUntilExit, removeMade } from '../process/made-folders.js';

/** The tree that a change is compared with. */
export interface BaseTree {
  folder: string;
  /** What it is, with its commit where git tells. */
  name: string;
  /** Removes it, where it was made for this run. */
  remove(): Promise<void>;
}

/**
 * Finds the tree that `--against` names: a folder with a `packages` folder in it, else a commit, branch or tag of this
 * repository, whose files are written to a folder for this run. The working tree is not touched.
 */
export async function openBaseTree(against: string): Promise<BaseTree> {
  const folder = resolve(against);
  if (existsSync(join(folder, 'packages')) && statSync(folder).isDirectory()) {
    return { folder, name: against, remove: () => Promise.resolve() };
  }
  const commit = await commitOf(against);
  if (commit === undefined)
    throw new BenchError('TREE', `${against} is neither a folder with packages in it nor a commit of this repository`);
  const made = keepUntilExit(await mkdtemp(join(tmpdir(), 'millrace-base-')));
  const archive = spawn('git', ['archive', commit], { cwd: repositoryFolder, stdio: ['ignore', 'pipe', 'ignore'] });
  const extract = spawn('tar', ['-x', '-C', made], { stdio: ['pipe', 'ignore', 'ignore'] });
  archive.stdout.pipe(extract.stdin);
  const [[archived], [extracted]] = await Promise.all([once(archive, 'exit'), once(extract, 'exit')]);
  if (archived !== 0 || extracted !== 0) throw new BenchError('TREE', `the files of ${against} could not be read`);
  await lendAddon(commit, made);
  return {
    folder: made,
    name: `${against} (${commit.slice(0, 12)})`,
    remove: () => removeMade(made),
  };
}

/** Where the native addon lies in a tree, and what it is built from. */
const ADDON = 'packages/udp-native/build/Release/udp_native.node';
const ADDON_SOURCES = 'packages/udp-native/native';

/** Files of a commit hold no addon: that of this tree serves them too, where both are built from the same sources. */
async function lendAddon(commit: string, folder: string): Promise<void> {
  const own = join(repositoryFolder, ADDON);
  if (!existsSync(own) || !existsSync(join(folder, ADDON_SOURCES))) return;
  try {
    await promisify(execFile)('git', ['diff', '--quiet', commit, '--', ADDON_SOURCES], { cwd: repositoryFolder });
  } catch {
    // They differ: sessions of that tree go without, and that is said beside their figures.
    return;
  }
  await mkdir(dirname(join(folder, ADDON)), { recursive: true });
  await copyFile(own, join(folder, ADDON));
}

/** The full commit that a name means in this repository; undefined where there is none. */
async function commitOf(name: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`], {
      cwd: repositoryFolder,
    });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** What a benchmark itself writes is no change of what it measures. */
const WRITTEN = [':(exclude)docs/BENCHMARKS.md', ':(exclude)docs/benchmarks'];

/** The commit of this tree, with `+` where files differ from it; undefined outside a repository. */
export async function currentCommit(): Promise<string | undefined> {
  const commit = await commitOf('HEAD');
  if (commit === undefined) return undefined;
  const { stdout } = await promisify(execFile)(
    'git',
    ['status', '--porcelain', '--untracked-files=no', '--', '.', ...WRITTEN],
    {
      cwd: repositoryFolder,
    },
  );
  return stdout.trim() === '' ? commit : `${commit}+`;
}

// Small helpers that the scripts share.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders of the packages that are published, in the order of their dependencies. */
export const publishedFolders = [
  'packages/protocol',
  'packages/udp-native-linux-x64-gnu',
  'packages/udp-native',
  'packages/udp-session',
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

const readManifest = (path) => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));

/** The manifests of the published packages. */
export function publishedPackages() {
  return publishedFolders.map(readManifest);
}

/** Compilers leave the output of a source that was deleted; a package must not hold what a clean build would not make. */
function checkSources(path, files) {
  for (const file of files.map((entry) => entry.path).filter((name) => /^dist\/.*\.js$/.test(name))) {
    const source = join(root, path, file.replace(/^dist/, 'src'));
    if (!existsSync(source) && !existsSync(source.replace(/\.js$/, '.ts')))
      throw new Error(`${path}/${file} has no source: delete ${path}/dist and build again`);
  }
}

/**
 * A package for one system as it is published: os, cpu and libc stand in its manifest. In the checkout they stand in
 * `publishConfig`, since npm would refuse to install a checkout that holds a package for another system.
 */
function stageForSystem(path, folder) {
  const { publishConfig, ...manifest } = readManifest(path);
  const { access, ...system } = publishConfig;
  const staged = join(folder, path);
  mkdirSync(staged, { recursive: true });
  for (const file of manifest.files) cpSync(join(root, path, file), join(staged, file));
  const published = { ...manifest, ...system, publishConfig: { access } };
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  return staged;
}

/** Packs every published package into `folder`; gives name, version, tarball and the exported subpaths of each. */
export function packAll(folder) {
  output('npm', ['run', '--silent', 'pack:native', '-w', '@millrace/udp-native']);
  const staging = mkdtempSync(join(tmpdir(), 'millrace-staging-'));
  const packed = publishedFolders.map((path) => {
    const { name, version, exports = {}, publishConfig } = readManifest(path);
    const from = publishConfig.os === undefined ? join(root, path) : stageForSystem(path, staging);
    const [{ filename, files }] = JSON.parse(
      output('npm', ['pack', '--json', '--pack-destination', folder], { cwd: from }),
    );
    checkSources(path, files);
    const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json');
    return { name, version, tarball: join(folder, filename), subpaths, library: subpaths.length > 0 };
  });
  rmSync(staging, { recursive: true });
  return packed;
}

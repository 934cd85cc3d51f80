// Builds the addon from source with node-gyp, offline: the headers are those beside the running Node.
//
//   node scripts/build.mjs              build/Release/udp_native.node (and udp_native_test.node, where the tests are)
//   node scripts/build.mjs --sanitize   the same with AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan/Release
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
const native = join(folder, 'native');
const sanitize = process.argv.includes('--sanitize');
const tests = existsSync(join(native, 'test'));

/** A folder with include/node in it: the prefix of the running Node, else what node-gyp has kept of this version. */
function findHeaders() {
  const places = [
    dirname(dirname(process.execPath)),
    ...(process.env.npm_config_nodedir ? [process.env.npm_config_nodedir] : []),
    join(homedir(), '.cache/node-gyp', process.versions.node),
    join(homedir(), 'Library/Caches/node-gyp', process.versions.node),
  ];
  const found = places.find((place) => existsSync(join(place, 'include/node/node_api.h')));
  if (found !== undefined) return found;
  process.stderr.write(`no headers of Node ${process.versions.node} in any of:\n  ${places.join('\n  ')}\n`);
  process.exit(1);
}

/** npm brings one of its own and tells where to the scripts that it runs. */
function findGyp() {
  const ofNpm = process.env.npm_config_node_gyp;
  if (ofNpm !== undefined && existsSync(ofNpm)) return ofNpm;
  try {
    return fileURLToPath(import.meta.resolve('node-gyp/bin/node-gyp.js'));
  } catch {
    process.stderr.write(
      'building needs node-gyp (npm install --save-dev node-gyp), Python 3, make and a C++17 compiler\n',
    );
    process.exit(1);
  }
}

const gyp = findGyp();
const flags = [`-Dsanitize=${sanitize ? 1 : 0}`, `-Dwith_test=${tests ? 1 : 0}`];
const common = ['--directory', native, '--nodedir', findHeaders(), '--loglevel', 'warn'];
// What follows `--` goes to gyp alone, so that configuring and building are two runs.
for (const args of [
  ['configure', ...common, '--', ...flags],
  ['build', ...common],
]) {
  const { status, error } = spawnSync(process.execPath, [gyp, ...args], { stdio: 'inherit', cwd: folder });
  if (error) process.stderr.write(`${error.message}\n`);
  if (status !== 0) process.exit(1);
}

const out = join(folder, sanitize ? 'build-asan' : 'build', 'Release');
mkdirSync(out, { recursive: true });
for (const name of tests ? ['udp_native.node', 'udp_native_test.node'] : ['udp_native.node']) {
  // A process that has the older one loaded keeps it whole.
  copyFileSync(join(native, 'build/Release', name), join(out, `${name}.new`));
  renameSync(join(out, `${name}.new`), join(out, name));
}
process.stdout.write(`built ${out}\n`);

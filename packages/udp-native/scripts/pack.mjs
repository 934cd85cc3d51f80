// Packs what has been built for this platform as a package of its own, @millrace/udp-native-<platform>-<arch>: builds, strips,
// checks what the binary asks of the system, writes prebuilds/<platform>-<arch> and a tarball beside it.
//
//   npm run pack:native -w @millrace/udp-native
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The C library of the oldest Linux that the official builds of Node 20 run on. */
const NEWEST_GLIBC = [2, 28];

const folder = fileURLToPath(new URL('..', import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const target = join(folder, 'prebuilds', platform);
const binary = join(target, 'udp_native.node');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function output(program, args, options = {}) {
  const { status, stdout, error } = spawnSync(program, args, { encoding: 'utf8', cwd: folder, ...options });
  if (status !== 0) fail(`${program} ${args.join(' ')} failed ${error?.message ?? ''}`);
  return stdout ?? '';
}

/** No library but libc, and no symbol of a newer one: then one binary is for all that Node itself runs on. */
function checkLinux() {
  const needed = [...output('readelf', ['-d', binary]).matchAll(/NEEDED.*\[(.+)\]/g)].map(([, name]) => name);
  if (needed.join() !== 'libc.so.6') fail(`the binary needs ${needed.join(', ')}, and should need libc.so.6 alone`);
  for (const [, major, minor] of output('readelf', ['-V', binary]).matchAll(/GLIBC_(\d+)\.(\d+)/g)) {
    if (Number(major) > NEWEST_GLIBC[0] || Number(minor) > NEWEST_GLIBC[1])
      fail(`the binary needs glibc ${major}.${minor}`);
  }
}

output(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url))], { stdio: 'inherit' });
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
copyFileSync(join(folder, 'build/Release/udp_native.node'), binary);
copyFileSync(join(folder, 'LICENSE'), join(target, 'LICENSE'));
if (process.platform === 'linux') {
  output('strip', ['--strip-unneeded', binary]);
  checkLinux();
}

const { version, license, engines, publishConfig } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const name = `@millrace/udp-native-${platform}`;
const manifest = {
  name,
  version,
  description: `The addon of @millrace/udp-native, built for ${platform}`,
  license,
  main: 'udp_native.node',
  files: ['udp_native.node', 'LICENSE', 'README.md'],
  os: [process.platform],
  cpu: [process.arch],
  ...(process.platform === 'linux' ? { libc: ['glibc'] } : {}),
  engines,
  publishConfig,
};
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(
  join(target, 'README.md'),
  `# ${name}\n\nThe addon of @millrace/udp-native, built for ${platform}. Install that package instead.\n`,
);
const [{ filename, size }] = JSON.parse(
  output('npm', ['pack', '--json', '--pack-destination', join(folder, 'prebuilds')], { cwd: target }),
);
process.stdout.write(`packed prebuilds/${filename}, ${size} bytes\n`);

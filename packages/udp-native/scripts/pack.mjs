// Builds the addon for this system as it is published: builds, strips, checks what the binary asks of the system, and puts it
// into the package of the system, beside this one.
//
//   npm run pack:native -w @millrace/udp-native
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The C library of the oldest Linux that the official builds of Node 20 run on. */
const NEWEST_GLIBC = [2, 28];

const folder = fileURLToPath(new URL('..', import.meta.url));
const system = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
const target = fileURLToPath(new URL(`../../udp-native-${system}`, import.meta.url));
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

if (!existsSync(join(target, 'package.json'))) fail(`there is no package for ${system}`);
// What compilers say goes to standard error: the output of those who pack is read by programs.
output(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url))], { stdio: ['ignore', 2, 2] });
rmSync(binary, { force: true });
copyFileSync(join(folder, 'build/Release/udp_native.node'), binary);
if (process.platform === 'linux') {
  output('strip', ['--strip-unneeded', binary]);
  checkLinux();
}

// Runs sessions between two processes on installed packages: with the one prebuilt binary, without it, and in mixed pairs; and on a
// system for which there is no binary, before and after it is built from source.
import { randomBytes } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { output } from '../run.mjs';

const programs = ['session-host.mjs', 'session-client.mjs'];
const PREBUILT = /@millrace\/udp-native-linux-x64-gnu\/udp_native\.node$/;
const BUILT = /@millrace\/udp-native\/build\/Release\/udp_native\.node$/;

/** An empty folder in which npm installs the session from the registry, for the system that the options name. */
async function install(folder, registry, options = []) {
  const app = mkdtempSync(join(folder, 'session-'));
  writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}');
  for (const name of programs) copyFileSync(fileURLToPath(new URL(name, import.meta.url)), join(app, name));
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', registry.option, ...options];
  // Not one that blocks: this process is the registry.
  await promisify(execFile)('npm', ['install', ...flags, '@millrace/udp-session'], { cwd: app });
  return app;
}

function start(node, app, args, key, native) {
  const { MILLRACE_NATIVE: _, ...env } = process.env;
  const child = spawn(node, args, {
    cwd: app,
    env: { ...env, SMOKE_KEY: key, NODE_NO_WARNINGS: '1', ...(native ? {} : { MILLRACE_NATIVE: '0' }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args[0]} ended too early`);
    return JSON.parse(value);
  };
  return { child, next, ended: once(child, 'exit') };
}

/** One session of two processes. `native`: whether the host and the client may use the addon. */
async function session(node, app, [hostNative, clientNative]) {
  const key = randomBytes(32).toString('hex');
  const host = start(node, app, ['session-host.mjs'], key, hostNative);
  try {
    const client = start(node, app, ['session-client.mjs', JSON.stringify(await host.next())], key, clientNative);
    try {
      const result = await client.next();
      const [[clientCode], { tier }, [hostCode]] = await Promise.all([client.ended, host.next(), host.ended]);
      if (clientCode !== 0 || hostCode !== 0) throw new Error(`the session ended with ${clientCode} and ${hostCode}`);
      return { ...result, hostTier: tier };
    } finally {
      client.child.kill();
    }
  } finally {
    host.child.kill();
  }
}

function expectAddon({ addon, tier, hostTier }, wanted, [hostNative, clientNative]) {
  const right = (used, native) => (used === 'dgram') !== native;
  if (clientNative ? !wanted.test(addon) : addon !== undefined) throw new Error(`the addon came from ${addon}`);
  if (!right(tier, clientNative) || !right(hostTier, hostNative)) throw new Error(`tiers ${hostTier} and ${tier}`);
}

/** `nodes`: programs of the versions of Node that are to run the same installed files. */
export async function smokeSessions(folder, registry, nodes) {
  const app = await install(folder, registry);
  for (const node of nodes) {
    let bytes = 0;
    for (const native of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ]) {
      const result = await session(node, app, native);
      expectAddon(result, PREBUILT, native);
      bytes += 2 * result.bytes;
    }
    process.stdout.write(
      `Node ${output(node, ['--version']).trim()}: sessions with and without the prebuilt addon, ${bytes} bytes equal\n`,
    );
  }
  // As on a system for which nothing is prebuilt: nothing is installed for it, and nothing fails.
  const other = await install(folder, registry, ['--libc=musl']);
  expectAddon(await session(nodes[0], other, [false, false]), BUILT, [false, false]);
  const without = await session(nodes[0], other, [true, true]);
  expectAddon(without, BUILT, [false, false]);
  output('npm', ['explore', '@millrace/udp-native', '--', 'npm', 'run', 'build:native'], { cwd: other });
  for (const node of nodes) expectAddon(await session(node, other, [true, true]), BUILT, [true, true]);
  process.stdout.write('nothing prebuilt: sessions without the addon, and with one built from source\n');
}

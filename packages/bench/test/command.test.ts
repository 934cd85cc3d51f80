import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchReport } from '@millrace/protocol';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packagesOf, repositoryFolder } from '../src/process/bundle.js';

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** Each runs a dozen processes; a machine that does much else takes its time. */
const TIMEOUT_MS = 120_000;
let folder = '';

/** The command as it is built, from the sources as they are. Its folder is as deep as that of the build. */
beforeAll(async () => {
  const cache = join(repositoryFolder, 'node_modules/.cache/millrace-bench');
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, 'test-'));
  await build({
    entryPoints: [source],
    outfile: join(folder, 'main.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
    plugins: [packagesOf(repositoryFolder)],
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command to its end. */
function bench(args: string[], path = ''): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${path}${delimiter}${process.env['PATH']}` };
    execFile(process.execPath, [join(folder, 'main.mjs'), ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

/** A tree that is this one but for its relay, which swaps two bytes of every long answer. */
async function lyingTree(): Promise<string> {
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'packages/relay/dist'), { recursive: true });
  for (const name of ['protocol', 'client', 'node-server', 'testkit']) {
    await symlink(join(repositoryFolder, 'packages', name), join(tree, 'packages', name));
  }
  const exports = { './node': { default: './dist/node.js' } };
  await writeFile(join(tree, 'packages/relay/package.json'), JSON.stringify({ type: 'module', exports }));
  await writeFile(join(tree, 'packages/relay/dist/node.js'), LYING_RELAY);
  return tree;
}

/** The release that lies packed in the repository, as a tree of built packages, made older by a part that it had. */
async function packedRelease(): Promise<string> {
  const tree = join(folder, 'release');
  for (const name of ['protocol', 'client', 'node-server', 'relay']) {
    const to = join(tree, 'packages', name);
    await mkdir(to, { recursive: true });
    const tarball = join(repositoryFolder, 'compat/0.1.0', `millrace-${name}-0.1.0.tgz`);
    await promisify(execFile)('tar', ['-xzf', tarball, '-C', to, '--strip-components=1']);
  }
  const manifest = join(tree, 'packages/protocol/package.json');
  const { exports, ...rest } = JSON.parse(await readFile(manifest, 'utf8')) as { exports: Record<string, unknown> };
  delete exports['./stream'];
  await writeFile(manifest, JSON.stringify({ ...rest, exports }));
  return tree;
}

/** A folder with a program that takes the arguments of a peer, and loses a byte now and then. */
async function losingPeer(): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'wstunnel'), `#!${process.execPath}\n${LOSING_PEER}`);
  await chmod(join(bin, 'wstunnel'), 0o755);
  await writeFile(join(bin, 'package.json'), '{"type":"module"}');
  return bin;
}

const LOSING_PEER = `
import { connect, createServer } from 'node:net';
const [flag, own, , to] = process.argv.slice(2);
const server = flag === '-s';
const [host, port] = server ? own.split(':') : ['127.0.0.1', own.split(':')[0]];
const far = server ? to.split(':') : [new URL(process.argv[4]).hostname, new URL(process.argv[4]).port];
createServer({ allowHalfOpen: true }, (near) => {
  const other = connect({ host: far[0], port: Number(far[1]), allowHalfOpen: true });
  near.pipe(other);
  other.on('data', (chunk) => near.write(server && chunk.length > 1000 ? chunk.subarray(1) : chunk));
  other.on('end', () => near.end());
  near.on('error', () => other.destroy());
  other.on('error', () => near.destroy());
}).listen(Number(port), host);
`;

const LYING_RELAY = `
import { createServer } from 'node:http';
import { once } from 'node:events';
// In the middle of a long answer there is payload, whatever the encoding.
const swap = (body) => {
  if (body.length < 20000) return body;
  let at = body.length >> 1;
  while (body[at] === body[at + 1]) at++;
  [body[at], body[at + 1]] = [body[at + 1], body[at]];
  return body;
};
export async function startRelay({ node }) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = await fetch(new URL('/tunnel/batch', node), { method: 'POST', body: Buffer.concat(chunks) });
    response.setHeader('content-type', answer.headers.get('content-type'));
    response.end(swap(Buffer.from(await answer.arrayBuffer())));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: 'http://127.0.0.1:' + server.address().port };
}
`;

test(
  'a tunnel that changes bytes fails the command, whatever its speed, and the right one beside it is right',
  async () => {
    const json = join(folder, 'report.json');
    const html = join(folder, 'report.html');
    const args = [
      '--quick',
      '--scenario',
      'relay-download',
      '--against',
      await lyingTree(),
      '--json',
      json,
      '--html',
      html,
    ];
    const { code, output } = await bench(args);
    expect(code, output).toBe(1);
    expect(output).toMatch(/WRONG base: .*wrong byte at offset \d+/);
    const report = JSON.parse(await readFile(json, 'utf8')) as BenchReport;
    expect(report.verified).toBe(false);
    const verdicts = report.results.map(({ subject, verified }) => `${subject} ${verified}`);
    expect(new Set(verdicts)).toEqual(new Set(['millrace true', 'base false', 'relay-floor true']));
    expect(await readFile(html, 'utf8')).toContain('WRONG BYTES');
  },
  TIMEOUT_MS,
);

test(
  'what is measured right ends with code 0, and a baseline stands beside it',
  async () => {
    const json = join(folder, 'right.json');
    const { code, output } = await bench(['--quick', '--scenario', 'direct', '--json', json]);
    expect(code, output).toBe(0);
    const report = JSON.parse(await readFile(json, 'utf8')) as BenchReport;
    expect(report.results.map(({ subject }) => subject)).toEqual(['millrace', 'plain pipe', 'millrace', 'plain pipe']);
    expect(report.results[0]!.median.ratio).toBeGreaterThan(0);
    const roles = report.results[0]!.median.processes!.map(({ role }) => role);
    expect(roles).toEqual(['node', 'client', 'application', 'target']);
  },
  TIMEOUT_MS,
);

test(
  'a release of before is measured beside this tree, by what it can do',
  async () => {
    const tree = await packedRelease();
    const json = join(folder, 'against.json');
    const args = ['--quick', '--scenario', 'relay-cost', '--scenario', 'micro', '--against', tree, '--json', json];
    const { code, output } = await bench(args);
    expect(code, output).toBe(0);
    const { results, against, verified } = JSON.parse(await readFile(json, 'utf8')) as BenchReport;
    expect([against, verified]).toEqual([tree, true]);
    const both = results.filter(({ scenario }) => scenario === 'relay-cost');
    expect(both.map(({ subject }) => subject)).toEqual(Array.from({ length: 4 }, () => ['millrace', 'base']).flat());
    for (const { subject, median, notes } of both) {
      if (subject === 'millrace') expect(median.ratioToBase).toBeGreaterThan(0);
      else expect(notes).toEqual(['this tree does not know relays[0].carries, level']);
    }
    const engine = results.find(({ params }) => params['task'] === 'engine-down');
    expect([engine?.subject, engine?.notes?.join()]).toEqual([
      'millrace',
      expect.stringMatching(/^the base cannot be measured: this tree lacks what micro-engine needs/),
    ]);
  },
  TIMEOUT_MS,
);

test(
  'what a peer loses is told as the fault of the peer, and fails nothing',
  async () => {
    const json = join(folder, 'peers.json');
    const args = ['--quick', '--scenario', 'relay-download', '--peer', 'wstunnel', '--peer', 'ssh', '--json', json];
    const { code, output } = await bench(args, await losingPeer());
    expect(code, output).toBe(0);
    expect(output).toContain('wstunnel delivered wrong bytes, or none, in relay-download');
    const { results } = JSON.parse(await readFile(json, 'utf8')) as BenchReport;
    const verdicts = new Set(results.map(({ subject, verified }) => `${subject} ${verified}`));
    expect(verdicts).toEqual(new Set(['millrace true', 'relay-floor true', 'ssh true', 'wstunnel false']));
  },
  TIMEOUT_MS,
);

test(
  'profiles name what each process did, with places in the sources, over a link of the scenario too',
  async () => {
    const profiles = join(folder, 'profiles');
    const { code, output } = await bench(['--quick', '--scenario', 'relay-unequal', '--profile', profiles]);
    expect(code, output).toBe(0);
    const summary = await readFile(join(profiles, 'summary.txt'), 'utf8');
    for (const role of ['client', 'node', 'relay-simulator', 'application', 'target'])
      expect(summary).toMatch(new RegExp(`^relay-unequal_.*-${role}-\\d+\\.cpuprofile: busy \\d+ % of`, 'm'));
    expect(summary).toMatch(/ ms {2}.*\/[\w-]+\.ts:\d+$/m);
    expect(output).toContain(summary.split('\n')[0]);
  },
  TIMEOUT_MS,
);

test('what is kept is drawn without measuring anything', async () => {
  const html = join(folder, 'kept.html');
  const kept = join(repositoryFolder, 'docs/benchmarks');
  const { code, output } = await bench(['--render', '--history', kept, '--html', html]);
  expect(code, output).toBe(0);
  expect(output).toBe('');
  expect(await readFile(html, 'utf8')).toContain('id="relay-download"');
});

test('a wrong option ends with code 2 and says what is wrong', async () => {
  const { code, output } = await bench(['--scenario', 'nothing']);
  expect(code).toBe(2);
  expect(output).toContain('no scenario nothing');
});

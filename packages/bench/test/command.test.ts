import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
function bench(args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(folder, 'main.mjs'), ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

/** A tree that is this one but for its relay, which swaps two characters of every long answer. */
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

const LYING_RELAY = `
import { createServer } from 'node:http';
import { once } from 'node:events';
const swap = (text) => text.replace(/[A-Za-z0-9+]{64}/, (run) => {
  const at = [...run].findIndex((c, i) => i > 8 && c !== run[i + 1]);
  return run.slice(0, at) + run[at + 1] + run[at] + run.slice(at + 2);
});
export async function startRelay({ node }) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = await fetch(new URL('/tunnel/batch', node), { method: 'POST', body: Buffer.concat(chunks) });
    response.setHeader('content-type', 'application/json');
    response.end(swap(await answer.text()));
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

test('a wrong option ends with code 2 and says what is wrong', async () => {
  const { code, output } = await bench(['--scenario', 'nothing']);
  expect(code).toBe(2);
  expect(output).toContain('no scenario nothing');
});

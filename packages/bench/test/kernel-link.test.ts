import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelLinkMissing, linkArguments, openKernelLink } from '../src/run/kernel-link.js';

let folder = '';
let tool = '';
let log = '';

/** A program with the arguments of the real one, which writes them down and starts what it is given. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-link-test-'));
  tool = join(folder, 'link');
  log = join(folder, 'log');
  await writeFile(
    tool,
    `#!/bin/sh
echo "$@" >> '${log}'
case $1 in
a | b) shift; exec "$@" ;;
up) [ "$5" != 13 ] || { echo 'no such rate' >&2; exit 1; } ;;
esac
`,
  );
  await chmod(tool, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const logged = async (): Promise<string[]> => (await readFile(log, 'utf8')).trim().split('\n').splice(-3);

test('half of the round trip is given to each way, and a queue of one bandwidth-delay product', () => {
  expect(linkArguments({ rttMs: 200, rateMbps: 100, lossPercent: 1 })).toEqual(['100', '0', '1', '100', '2442']);
  expect(linkArguments({ rttMs: 0, rateMbps: 0, lossPercent: 0 })).toEqual(['0', '0', '0', '0', '256']);
});

test('a program that is not there is said to be missing', () => {
  expect(kernelLinkMissing(join(folder, 'nothing'))).toMatch(/is not there/);
});

test('the link comes up, starts programs on both sides, and goes down', async () => {
  const link = await openKernelLink({ rttMs: 20, rateMbps: 10, lossPercent: 0 }, tool);
  const [program, ...args] = [...link.within.near, 'echo', 'near'];
  expect(execFileSync(program, args, { encoding: 'utf8' })).toBe('near\n');
  await link.close();
  expect(await logged()).toEqual(['up 10 0 0 10 256', 'a echo near', 'down']);
});

test('a link that does not come up is told with what the program said, and taken down', async () => {
  await expect(openKernelLink({ rttMs: 0, rateMbps: 13, lossPercent: 0 }, tool)).rejects.toThrow('no such rate');
  expect((await logged()).at(-1)).toBe('down');
});

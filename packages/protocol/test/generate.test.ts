import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-generate-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A repository with nothing but what the generator reads. */
function makeCopy(name: string): string {
  const copy = join(folder, name);
  mkdirSync(join(copy, 'packages/protocol/src'), { recursive: true });
  cpSync(join(root, 'scripts'), join(copy, 'scripts'), { recursive: true });
  cpSync(join(root, 'packages/protocol/src/spec'), join(copy, 'packages/protocol/src/spec'), { recursive: true });
  cpSync(join(root, 'packages/protocol/package.json'), join(copy, 'packages/protocol/package.json'));
  cpSync(join(root, 'packages/relay/src'), join(copy, 'packages/relay/src'), {
    recursive: true,
    filter: (path) => !path.endsWith('gen'),
  });
  cpSync(join(root, 'packages/udp-session/src/fec'), join(copy, 'packages/udp-session/src/fec'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  return copy;
}

const generate = (repository: string, cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(repository, 'scripts/generate.mjs'), ...args], { cwd, encoding: 'utf8' });

/** Path → content of every file below `path`. */
function contents(repository: string, path: string): [string, string][] {
  const full = join(repository, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [[path, readFileSync(full, 'utf8')]];
  return readdirSync(full).flatMap((name) => contents(repository, join(path, name)));
}

const GENERATED = [
  'schemas',
  'packages/protocol/src/gen',
  'packages/relay/src/gen',
  'packages/udp-session/src/gen',
  'docs',
];
const generated = (repository: string) => new Map(GENERATED.flatMap((path) => contents(repository, path)));

test('what is checked in is what its sources say', () => {
  const { status, stderr } = generate(root, folder, '--check');
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('the output is the same in another place and from another folder, and again', () => {
  const copy = makeCopy('first');
  expect(generate(copy, folder)).toMatchObject({ status: 0, stderr: '' });
  const first = generated(copy);
  for (const [path, content] of first) {
    if (!path.startsWith('docs')) expect(readFileSync(join(root, path), 'utf8'), path).toBe(content);
    expect(content.includes(folder) || content.includes(root), path).toBe(false);
  }
  expect([...first.keys()]).toEqual(expect.arrayContaining(['schemas/config.schema.json', 'docs/ERRORS.md']));

  rmSync(join(copy, 'schemas'), { recursive: true });
  expect(generate(copy, copy)).toMatchObject({ status: 0 });
  expect(generated(copy)).toEqual(first);
});

test('the check names each file that differs and writes nothing', () => {
  const copy = makeCopy('second');
  expect(generate(copy, copy)).toMatchObject({ status: 0 });
  appendFileSync(join(copy, 'schemas/event.schema.json'), '\n');
  rmSync(join(copy, 'packages/protocol/src/gen/caps.ts'));
  const before = generated(copy);
  const { status, stderr } = generate(copy, copy, '--check');
  expect(status).toBe(1);
  expect(stderr.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'schemas/event.schema.json',
    'packages/protocol/src/gen/caps.ts',
    '',
  ]);
  expect(generated(copy)).toEqual(before);
});

test('prose in the docs stays, and a missing marker is named before anything is written', () => {
  const copy = makeCopy('third');
  mkdirSync(join(copy, 'docs'));
  const file = join(copy, 'docs/ERRORS.md');
  const prose = '# My errors\n\nBefore.\n\n<!-- generated:errors -->\n\nold\n\n<!-- /generated -->\n\nAfter.\n';
  appendFileSync(file, prose);
  expect(generate(copy, copy)).toMatchObject({ status: 0 });
  const text = readFileSync(file, 'utf8');
  expect(text.startsWith('# My errors\n\nBefore.\n\n<!-- generated:errors -->\n\n| code')).toBe(true);
  expect(text.endsWith('|\n\n<!-- /generated -->\n\nAfter.\n')).toBe(true);

  rmSync(file);
  appendFileSync(file, '# No marker\n');
  rmSync(join(copy, 'schemas'), { recursive: true });
  const { status, stderr } = generate(copy, copy);
  expect(status).toBe(1);
  expect(stderr).toContain('docs/ERRORS.md: put <!-- generated:errors -->');
  expect(existsSync(join(copy, 'schemas'))).toBe(false);
});

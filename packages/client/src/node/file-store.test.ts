import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileStore } from './file-store.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-store-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('what was saved last is loaded, by another store as well, and nothing before the first save', async () => {
  const path = join(folder, 'state.json');
  const store = fileStore(path);
  expect(await store.load()).toBeUndefined();
  await store.save('one');
  await store.save('two');
  expect(await fileStore(path).load()).toBe('two');
  expect(await readdir(folder)).toEqual(['state.json']);
});

test('what cannot be read is set aside, in place of what was before', async () => {
  const path = join(folder, 'state.json');
  const store = fileStore(path);
  await writeFile(`${path}.bad`, 'older');
  await writeFile(path, 'half a fi');
  expect(await store.setAside?.()).toBe(`${path} is now ${path}.bad`);
  expect(await store.load()).toBeUndefined();
  await store.save('new');
  expect(await readFile(`${path}.bad`, 'utf8')).toBe('half a fi');
  await rm(path);
  await expect(store.setAside?.()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('only its owner may read the file, also where it was open to all before', async () => {
  const path = join(folder, 'state.json');
  await writeFile(path, 'old', { mode: 0o644 });
  await fileStore(path).save('new');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a file that cannot be written stays as it was, and nothing is left beside it', async () => {
  const store = fileStore(join(folder, 'none', 'state.json'));
  await expect(store.save('x')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  const path = join(folder, 'taken');
  await writeFile(path, 'kept');
  // A folder where the file should be.
  await expect(fileStore(folder).save('x')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  await expect(fileStore(folder).load()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  expect(await readFile(path, 'utf8')).toBe('kept');
});

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryFolder } from '../src/process/bundle.js';
import { openBaseTree } from '../src/run/against.js';

const ADDON = 'packages/udp-native/build/Release/udp_native.node';

test('the files of a commit are written apart, and with the addon of this tree where its sources are the same', async () => {
  const base = await openBaseTree('HEAD');
  try {
    expect(base.name).toMatch(/^HEAD \([0-9a-f]{12}\)$/);
    expect(base.folder).not.toBe(repositoryFolder);
    expect(existsSync(join(base.folder, 'packages/bench/src/main.ts'))).toBe(true);
    if (existsSync(join(base.folder, ADDON)))
      expect(readFileSync(join(base.folder, ADDON)).equals(readFileSync(join(repositoryFolder, ADDON)))).toBe(true);
  } finally {
    await base.remove();
  }
  expect(existsSync(base.folder)).toBe(false);
});

test('a folder is taken as it is', async () => {
  const base = await openBaseTree(repositoryFolder);
  await base.remove();
  expect([base.folder, existsSync(base.folder)]).toEqual([resolve(repositoryFolder), true]);
});

test('what is neither a folder nor a commit is refused', async () => {
  await expect(openBaseTree('no-such-branch')).rejects.toThrow('neither a folder with packages in it nor a commit');
});

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { docsPage, pageFile } from '../src/report/docs.js';

test('docs/BENCHMARKS.md is what its reports say, to the letter', async () => {
  expect(await readFile(pageFile, 'utf8')).toBe(await docsPage());
});

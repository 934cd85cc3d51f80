import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import * as session from '../src/index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the example of the README prints what it says', async () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) as unknown as [string, string];
  const code = example.replaceAll(/^import (\{[^}]*\}) from '(.*)';$/gm, "const $1 = modules['$2'];");
  const printed: string[] = [];
  // oxlint-disable-next-line typescript/no-implied-eval -- it is our own example
  const run = new Function('modules', 'console', `return (async () => {${code}})()`) as (
    modules: object,
    output: object,
  ) => Promise<void>;
  await run({ '@millrace/udp-session': session }, { log: (value: unknown) => printed.push(String(value)) });
  expect(printed).toEqual([...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said));
});

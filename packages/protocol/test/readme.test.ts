import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import * as level1 from '../src/codec/level1/index.js';
import * as protocol from '../src/index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the example of the README prints what it says', () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) as unknown as [string, string];
  const code = example.replaceAll(/^import (\{[^}]*\}) from '(.*)';$/gm, "const $1 = modules['$2'];");
  const printed: string[] = [];
  const print = (value: unknown): void => {
    printed.push(
      value instanceof Uint8Array ? `Uint8Array(${value.length}) [ ${[...value].join(', ')} ]` : String(value),
    );
  };
  // oxlint-disable-next-line typescript/no-implied-eval -- it is our own example
  const run = new Function('modules', 'console', code) as (modules: object, output: object) => void;
  run({ '@millrace/protocol': protocol, '@millrace/protocol/level1': level1 }, { log: print });
  expect(printed).toEqual([...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said));
});

test('every export that the README names is there', () => {
  expect(protocol).toMatchObject({ VERSION: expect.any(String) as string });
  const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    exports: object;
  };
  const named = [...readme.matchAll(/^\| `(@millrace\/protocol[^`]*)`/gm)].map(([, name]) =>
    name?.replace('@millrace/protocol', '.'),
  );
  expect(named).toEqual(Object.keys(exports).filter((path) => path !== './package.json'));
});

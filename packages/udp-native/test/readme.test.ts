import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import * as udpNative from '../src/index.js';
import { built, loadBuilt, needsBuild } from './addon.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe.skipIf(!built)(`the README ${needsBuild}`, () => {
  test('its example carries three packets', async () => {
    const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) as unknown as [string, string];
    const code = example.replace(/^import (\{[^}]*\}) from '@millrace\/udp-native';$/m, 'const $1 = udpNative;');
    const seen = await new Promise<unknown[][]>((resolve) => {
      const printed: unknown[][] = [];
      const log = (...values: unknown[]): void => {
        if (printed.push(values) === 3) resolve(printed);
      };
      // oxlint-disable-next-line typescript/no-implied-eval -- it is our own example
      const run = new Function('udpNative', 'console', code) as (module: object, output: object) => void;
      run({ ...udpNative, loadNative: loadBuilt }, { log });
    });
    for (const [packet, sender] of seen) {
      expect(packet).toEqual(new Uint8Array(1200));
      expect(sender).toMatchObject({ family: 4, address: '127.0.0.1' });
    }
  });
});

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import * as session from '../src/index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [first, busy, ...others] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
const modules = { '@millrace/udp-session': session, 'node:events': { once } };

/** Runs an example with what it does not make itself, and gives what it printed. */
async function run(example: string, given: Record<string, unknown> = {}): Promise<string[]> {
  const code = example.replaceAll(/^import (\{[^}]*\}) from '(.*)';$/gm, "const $1 = modules['$2'];");
  const printed: string[] = [];
  const output = { log: (value: unknown) => printed.push(String(value)) };
  // oxlint-disable-next-line typescript/no-implied-eval -- it is our own example
  const main = new Function('modules', 'console', ...Object.keys(given), `return (async () => {${code}})()`) as (
    ...values: unknown[]
  ) => Promise<void>;
  await main(modules, output, ...Object.values(given));
  return printed;
}

test('the example of the README prints what it says', async () => {
  expect(await run(first!)).toEqual([...first!.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said));
});

test('the example of the README that waits for room sends every frame once', async () => {
  const sharedKey = new Uint8Array(32).fill(7);
  const host = await session.UdpSession.listen({ address: '127.0.0.1', port: 0, sharedKey });
  const arriving = once(host, 'session') as Promise<[session.UdpSession]>;
  const client = await session.UdpSession.connect({
    ...host.local,
    sharedKey,
    session: { maxSendBytes: 2 ** 20, fixedRate: 200e6 },
  });
  const [atHost] = await arriving;
  const frames = Array.from({ length: 20 }, (_, i) => new Uint8Array(200_000).fill(i));
  const got: number[] = [];
  const all = new Promise<void>((resolve) => {
    atHost.on('frame', (frame) => {
      if (frame.data.length === 200_000 && frame.data.every((byte) => byte === frame.pts)) got.push(frame.pts);
      frame.release();
      if (got.length === frames.length) resolve();
    });
  });
  await run(busy!, { session: client, frames });
  await all;
  expect(got.toSorted((a, b) => a - b)).toEqual(frames.map((_, i) => i));
  expect(others).toEqual([]);
  await client.close();
  await host.close();
});

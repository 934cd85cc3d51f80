/** curl through the proxies: large transfers both ways, and many at once. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { patternSha256, patternStream } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, run, temporaryFolder } from './support/programs.js';
import { type Stack, startStack } from './support/stack.js';
import { type Web, startWeb } from './support/web.js';

const BYTES = 100 * 1024 * 1024;
const SEED = 11;

let stack: Stack;
let web: Web;

beforeAll(async () => {
  web = await startWeb();
  stack = await startStack();
});

afterAll(async () => {
  await stack?.close();
  await web?.close();
});

/** curl's arguments for each way in. The name of the target is resolved at the node: nobody else knows it. */
const PROXIES: Array<[string, () => string[]]> = [
  ['SOCKS5', () => ['--socks5-hostname', stack.socks]],
  ['HTTP CONNECT', () => ['-p', '-x', `http://${stack.http}`]],
  ['plain HTTP', () => ['-x', `http://${stack.http}`]],
];
const CURL = ['-q', '-sS', '--fail', '--no-buffer'];

describe.each(PROXIES)('through %s', (_name, proxy) => {
  test('100 MiB come down as they were sent', async (context) => {
    const curl = program(context, 'curl');
    const url = `http://target.test:${web.port}/down/${BYTES}/${SEED}`;
    const finished = await run(curl, [...CURL, ...proxy(), url], context);
    expect(finished, stack.story()).toMatchObject({
      code: 0,
      bytes: BYTES,
      sha256: patternSha256(BYTES, SEED),
      stderr: '',
    });
  });

  test('100 MiB go up as they were sent', async (context) => {
    const curl = program(context, 'curl');
    const url = `http://target.test:${web.port}/up/${SEED}`;
    const finished = await run(curl, [...CURL, ...proxy(), '-T', '-', url], {
      stdin: patternStream(BYTES, SEED),
      signal: context.signal,
    });
    expect(finished, stack.story()).toMatchObject({
      code: 0,
      text: `${BYTES} ${patternSha256(BYTES, SEED)}`,
      stderr: '',
    });
  });

  test('32 downloads run at once', async (context) => {
    const curl = program(context, 'curl');
    const folder = await temporaryFolder(context);
    const downloads = Array.from({ length: 32 }, (_, i) => ({
      bytes: 1_000_000 + i,
      seed: 100 + i,
      file: join(folder, `${i}`),
    }));
    const args = downloads.flatMap(({ bytes, seed, file }) => [
      `http://target.test:${web.port}/down/${bytes}/${seed}`,
      '-o',
      file,
    ]);
    const parallel = ['--parallel', '--parallel-immediate', '--parallel-max', '32'];
    const finished = await run(curl, [...CURL, ...proxy(), ...parallel, ...args], context);
    expect(finished, stack.story()).toMatchObject({ code: 0 });
    for (const { bytes, seed, file } of downloads) expect(await fileSha256(file)).toBe(patternSha256(bytes, seed));
  });

  test('an answer that ends with its connection is whole', async (context) => {
    const curl = program(context, 'curl');
    const url = `http://target.test:${web.port}/until-end/3000000/5`;
    const finished = await run(curl, [...CURL, '--http1.0', ...proxy(), url], context);
    expect(finished, stack.story()).toMatchObject({ code: 0, bytes: 3_000_000, sha256: patternSha256(3_000_000, 5) });
  });
});

test('nothing is left open at the node', async () => {
  await stack.tunnel.close();
  expect(stack.node.stats()).toMatchObject({ streams: 0, flows: 0 });
});

async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

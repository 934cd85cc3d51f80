/** Who may use the proxies, and how: credentials, and early replies. */
import { patternSha256, patternStream } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, run } from './support/programs.js';
import { type Stack, startStack } from './support/stack.js';
import { type Web, startWeb } from './support/web.js';

const BYTES = 8 * 1024 * 1024;
const SEED = 61;
const CURL = ['-q', '-sS', '--fail'];

let web: Web;

beforeAll(async () => {
  web = await startWeb();
});

afterAll(() => web?.close());

describe('with credentials', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ proxy: { auth: { user: 'me', password: 'a pass:word' } } });
  });

  afterAll(() => stack?.close());

  const url = () => `http://target.test:${web.port}/down/1000/${SEED}`;

  test.for([
    ['SOCKS5', (user: string) => `socks5h://${user}@${stack.socks}`, '000 000'],
    ['HTTP CONNECT', (user: string) => `http://${user}@${stack.http}`, '407 000'],
    ['plain HTTP', (user: string) => `http://${user}@${stack.http}`, '000 407'],
  ] as const)('%s lets in who has them, and nobody else', async ([name, proxy, refused], context) => {
    const curl = program(context, 'curl');
    const connect = name === 'HTTP CONNECT' ? ['-p'] : [];
    const ask = (user: string, ...more: string[]) =>
      run(curl, [...CURL, ...connect, ...more, '-x', proxy(user), url()], context);
    expect(await ask('me:a%20pass:word')).toMatchObject({ code: 0, bytes: 1000, sha256: patternSha256(1000, SEED) });
    for (const user of ['me:wrong', '']) {
      const denied = await ask(user, '-w', '%{http_connect} %{http_code}');
      expect(denied.code).not.toBe(0);
      expect(denied.text).toBe(refused);
    }
  });
});

describe('with early replies', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ proxy: { openReply: 'early' } });
  });

  afterAll(() => stack?.close());

  test.for([
    ['SOCKS5', () => ['--socks5-hostname', stack.socks]],
    ['HTTP CONNECT', () => ['-p', '-x', `http://${stack.http}`]],
  ] as const)('8 MiB go both ways through %s', async ([, proxy], context) => {
    const curl = program(context, 'curl');
    const origin = `http://target.test:${web.port}`;
    const down = await run(curl, [...CURL, ...proxy(), `${origin}/down/${BYTES}/${SEED}`], context);
    expect(down).toMatchObject({ code: 0, bytes: BYTES, sha256: patternSha256(BYTES, SEED) });
    const up = await run(curl, [...CURL, ...proxy(), '-T', '-', `${origin}/up/${SEED}`], {
      stdin: patternStream(BYTES, SEED),
      signal: context.signal,
    });
    expect(up).toMatchObject({ code: 0, text: `${BYTES} ${patternSha256(BYTES, SEED)}` });
  });
});

/** How connections end, and how they fail to begin: each is to be seen by the program as what it is. */
import { createHash } from 'node:crypto';
import { PatternChecker, patternBytes, patternSha256, startTarget } from '@millrace/testkit';
import { type TestContext, afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Application, open } from './support/application.js';
import { program, run } from './support/programs.js';
import { type Stack, address, startStack } from './support/stack.js';

const BYTES = 3_000_000;
const SEED = 31;

let stack: Stack;

beforeAll(async () => {
  // A target that never accepts is given up after this; no test looks at how long that took.
  stack = await startStack({ node: { dialTimeoutMs: 500 } });
});

afterAll(() => stack?.close());

/** curl's arguments for each way in. */
const PROXIES: Array<[string, () => string[]]> = [
  ['SOCKS5', () => ['--socks5-hostname', stack.socks]],
  ['HTTP CONNECT', () => ['-p', '-x', `http://${stack.http}`]],
  ['plain HTTP', () => ['-x', `http://${stack.http}`]],
];

async function forwarded(context: TestContext, port: number): Promise<Application> {
  const app = await open(address(await stack.forward({ host: 'target.test', port })));
  context.onTestFinished(() => void app.socket.destroy());
  return app;
}

describe('a target that ends its side first', () => {
  test('is an end for curl, with all bytes before it', async (context) => {
    const curl = program(context, 'curl');
    const source = await startTarget({ kind: 'half-close-first', bytes: BYTES, seed: SEED });
    context.onTestFinished(() => source.close());
    // HTTP/0.9: an answer is bytes up to the end.
    const args = ['-q', '-sS', '--http0.9', '--socks5-hostname', stack.socks, `http://target.test:${source.port}/`];
    const finished = await run(curl, args, context);
    expect(finished, stack.story()).toMatchObject({ code: 0, bytes: BYTES, sha256: patternSha256(BYTES, SEED) });
  });

  test('still hears the application, to its end', async (context) => {
    const source = await startTarget({ kind: 'half-close-first', bytes: 1000, seed: SEED, expectSeed: SEED + 1 });
    context.onTestFinished(() => source.close());
    const app = await forwarded(context, source.port);
    expect(await app.over).toBe('end');
    new PatternChecker(SEED).push(await app.rest());
    app.socket.end(patternBytes(BYTES, SEED + 1));
    const connection = await source.next();
    expect(await connection.result).toEqual({ bytes: BYTES, sha256: patternSha256(BYTES, SEED + 1) });
  });
});

describe('an application that ends its side first', () => {
  test('still hears the target, to its end', async (context) => {
    const source = await startTarget({ kind: 'source', bytes: BYTES, seed: SEED });
    context.onTestFinished(() => source.close());
    const app = await forwarded(context, source.port);
    app.socket.end();
    expect(await app.over).toBe('end');
    const hash = createHash('sha256').update(await app.rest());
    expect(hash.digest('hex')).toBe(patternSha256(BYTES, SEED));
  });

  test('has all its bytes delivered, and gets the answer to them', async (context) => {
    const sink = await startTarget({ kind: 'sink', seed: SEED, bytes: BYTES });
    context.onTestFinished(() => sink.close());
    const app = await forwarded(context, sink.port);
    app.socket.end(patternBytes(BYTES, SEED));
    expect(await app.over).toBe('end');
    expect((await app.rest()).toString()).toBe(`${BYTES} ${patternSha256(BYTES, SEED)}\n`);
  });
});

test.for(PROXIES)('a target that resets is a reset for curl, not an end: %s', async ([, proxy], context) => {
  const curl = program(context, 'curl');
  const manual = await startTarget({ kind: 'manual' });
  context.onTestFinished(() => manual.close());
  const running = run(curl, ['-q', '-sS', ...proxy(), `http://target.test:${manual.port}/`], context);
  const connection = await manual.next();
  await connection.received(1);
  connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
  connection.socket.write(patternBytes(100_000, SEED), () => connection.socket.resetAndDestroy());
  const finished = await running;
  // 56: the connection was reset while receiving. 18 would be an end that came too early.
  expect(finished, stack.story()).toMatchObject({ code: 56 });
  expect(finished.stderr).toContain('reset by peer');
});

test('a reset that comes together with the last bytes is no end', async (context) => {
  const reset = await startTarget({ kind: 'reset', sendBytes: 1000, afterBytes: 1, seed: SEED });
  context.onTestFinished(() => reset.close());
  const { host, port } = address(await stack.forward({ host: 'target.test', port: reset.port }));
  for (let i = 0; i < 20; i++) {
    const app = await open({ host, port });
    app.socket.write('x');
    expect(await app.over).toBe('ECONNRESET');
  }
});

test('an application that resets is a reset for the target', async (context) => {
  const echo = await startTarget({ kind: 'echo' });
  context.onTestFinished(() => echo.close());
  const app = await forwarded(context, echo.port);
  app.socket.write('hello');
  expect((await app.read(5)).toString()).toBe('hello');
  app.socket.resetAndDestroy();
  const connection = await echo.next();
  await connection.closed;
  expect(connection.socket.destroyed).toBe(true);
});

/** What keeps a connection from being made, and how each proxy says so. */
interface Failure {
  what: string;
  /** Host and port to ask for. */
  target: (context: TestContext) => Promise<{ host: string; port: number }>;
  socks5Reply: number;
  status: number;
  code: string;
}

const FAILURES: Failure[] = [
  {
    what: 'a port where nothing listens',
    target: async () => {
      const echo = await startTarget({ kind: 'echo' });
      await echo.close();
      return { host: 'target.test', port: echo.port };
    },
    socks5Reply: 5,
    status: 502,
    code: 'DIAL_REFUSED',
  },
  {
    what: 'a target that never accepts',
    target: async (context) => {
      const silent = await startTarget({ kind: 'unaccepting' });
      context.onTestFinished(() => silent.close());
      return { host: 'target.test', port: silent.port };
    },
    socks5Reply: 6,
    status: 504,
    code: 'DIAL_TIMEOUT',
  },
  {
    what: 'a target that the policy denies',
    target: async (context) => {
      const echo = await startTarget({ kind: 'echo' });
      context.onTestFinished(() => echo.close());
      return { host: 'denied.test', port: echo.port };
    },
    socks5Reply: 2,
    status: 403,
    code: 'POLICY_DENIED',
  },
  {
    what: 'a name that does not exist',
    target: async () => ({ host: 'nowhere.test', port: 80 }),
    socks5Reply: 4,
    status: 502,
    code: 'DIAL_NAME_NOT_FOUND',
  },
];

describe.for(FAILURES)('$what', ({ target, socks5Reply, status, code }) => {
  test('has its SOCKS5 reply', async (context) => {
    const curl = program(context, 'curl');
    const { host, port } = await target(context);
    const finished = await run(
      curl,
      ['-q', '-sS', '--socks5-hostname', stack.socks, `http://${host}:${port}/`],
      context,
    );
    // 97: the proxy said no; the message ends with its reply code.
    expect(finished, stack.story()).toMatchObject({ code: 97, bytes: 0 });
    expect(finished.stderr).toContain(`(${socks5Reply})`);
  });

  test('has its status for CONNECT', async (context) => {
    const curl = program(context, 'curl');
    const { host, port } = await target(context);
    const finished = await run(
      curl,
      ['-q', '-sS', '-p', '-x', `http://${stack.http}`, `http://${host}:${port}/`],
      context,
    );
    expect(finished, stack.story()).toMatchObject({ code: 56, bytes: 0 });
    expect(finished.stderr).toContain(`response ${status}`);
  });

  test('has its status and its words for a plain request', async (context) => {
    const curl = program(context, 'curl');
    const { host, port } = await target(context);
    const url = `http://${host}:${port}/`;
    const finished = await run(curl, ['-q', '-sS', '-w', '%{http_code}', '-x', `http://${stack.http}`, url], context);
    expect(finished, stack.story()).toMatchObject({ code: 0 });
    expect(finished.text).toContain(code);
    expect(finished.text).toContain('What to do: ');
    expect(finished.text.endsWith(String(status))).toBe(true);
  });

  test('resets a forward', async (context) => {
    const { host, port } = await target(context);
    const app = await open(address(await stack.forward({ host, port })));
    expect(await app.over).toBe('ECONNRESET');
  });
});

test('with early replies a dial that fails resets the socket', async (context) => {
  const curl = program(context, 'curl');
  const early = await startStack({ proxy: { openReply: 'early' } });
  context.onTestFinished(() => early.close());
  const args = ['-q', '-sS', '--socks5-hostname', early.socks, 'http://denied.test:81/'];
  const finished = await run(curl, args, context);
  expect(finished, early.story()).toMatchObject({ code: 56 });
  expect(finished.stderr).toContain('reset by peer');
});

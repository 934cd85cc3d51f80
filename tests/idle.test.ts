/**
 * Connections that say nothing must not hold up those that do. The node holds polls of quiet streams for two minutes here: whoever
 * waits for one of them to end does not finish in the time that a test has.
 */
import { PatternChecker, patternSha256, startTarget } from '@millrace/testkit';
import { type TestContext, afterEach, beforeEach, expect, test } from 'vitest';
import { type Application, open } from './support/application.js';
import { program, run } from './support/programs.js';
import { type Stack, address, startStack } from './support/stack.js';
import { type Web, startWeb } from './support/web.js';

const QUIET = 64;
const BYTES = 32 * 1024 * 1024;
/** Bytes of a transfer that is over. */
const DONE_BYTES = 500_000;
const SEED = 71;

let stack: Stack;
let web: Web;
let apps: Application[];

beforeEach(async () => {
  apps = [];
  web = await startWeb();
  stack = await startStack({ node: { longPollMs: 120_000 } });
});

afterEach(async () => {
  for (const { socket } of apps) socket.destroy();
  await stack.close();
  await web.close();
});

test('an answer that takes its time arrives when it is sent', { timeout: 60_000 }, async () => {
  await goQuiet();
  const manual = await startTarget({ kind: 'manual' });
  const app = await connect(manual.port);
  app.socket.write('question');
  const connection = await manual.next();
  await connection.received(8);
  // Until the node has answered the batch that carried the question, still without the answer.
  await stack.exchange();
  connection.socket.write('answer');
  expect((await app.read(6)).toString()).toBe('answer');
  await manual.close();
});

test('a large download goes on', { timeout: 60_000 }, async (context) => {
  await goQuiet();
  await download(context);
});

test('quiet connections hear their targets at once', { timeout: 60_000 }, async () => {
  await goQuiet();
  for (const app of apps) {
    app.socket.write('again');
    expect((await app.read(5)).toString()).toBe('again');
  }
  expect(apps.length).toBe(QUIET);
});

test(
  'transfers that are over do not hold up the next, though their connections stay',
  { timeout: 60_000 },
  async (context) => {
    const source = await startTarget({ kind: 'source', bytes: DONE_BYTES, seed: SEED, end: 'keep-open' });
    const transfers = Array.from({ length: QUIET }, async () => {
      const app = await connect(source.port);
      const checker = new PatternChecker(SEED);
      while (checker.bytes < DONE_BYTES) checker.push(await app.read(Math.min(10_000, DONE_BYTES - checker.bytes)));
    });
    await Promise.all(transfers);
    await download(context);
    // Applications that leave look as if they had only ended their side, for a while.
    for (const { socket } of apps) socket.end();
    await download(context);
    await source.close();
  },
);

/** Connections that have had a byte there and back, each at a time of its own. */
async function goQuiet(): Promise<void> {
  const echo = await startTarget({ kind: 'echo' });
  for (let i = 0; i < QUIET; i++) {
    const app = await connect(echo.port);
    app.socket.write('x');
    await app.read(1);
  }
}

async function connect(port: number): Promise<Application> {
  const app = await open(address(await stack.forward({ host: 'target.test', port })));
  apps.push(app);
  return app;
}

async function download(context: TestContext): Promise<void> {
  const curl = program(context, 'curl');
  const url = `http://target.test:${web.port}/down/${BYTES}/${SEED}`;
  const finished = await run(curl, ['-q', '-sS', '--socks5-hostname', stack.socks, url], context);
  expect(finished, stack.story()).toMatchObject({ code: 0, bytes: BYTES, sha256: patternSha256(BYTES, SEED) });
}

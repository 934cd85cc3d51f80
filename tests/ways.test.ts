/** The same programs over every way to the node. */
import { patternSha256, patternStream, startTarget } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, run } from './support/programs.js';
import { associate } from './support/socks5-udp.js';
import { type Stack, type Way, address, startStack } from './support/stack.js';
import { type Web, startWeb } from './support/web.js';

const BYTES = 8 * 1024 * 1024;
const SEED = 51;

const WAYS: Way[] = ['node', 'relay', 'apps-script', 'existing-script'];

describe.for(WAYS)('over %s', (way) => {
  let stack: Stack;
  let web: Web;

  beforeAll(async () => {
    web = await startWeb();
    stack = await startStack({ way });
  });

  afterAll(async () => {
    await stack?.close();
    await web?.close();
  });

  test('8 MiB come down as they were sent', async (context) => {
    const curl = program(context, 'curl');
    const url = `http://target.test:${web.port}/down/${BYTES}/${SEED}`;
    const finished = await run(curl, ['-q', '-sS', '--fail', '--socks5-hostname', stack.socks, url], context);
    expect(finished, stack.story()).toMatchObject({ code: 0, bytes: BYTES, sha256: patternSha256(BYTES, SEED) });
  });

  test('8 MiB go up as they were sent', async (context) => {
    const curl = program(context, 'curl');
    const url = `http://target.test:${web.port}/up/${SEED}`;
    const finished = await run(curl, ['-q', '-sS', '--fail', '-x', `http://${stack.http}`, '-T', '-', url], {
      stdin: patternStream(BYTES, SEED),
      signal: context.signal,
    });
    expect(finished, stack.story()).toMatchObject({ code: 0, text: `${BYTES} ${patternSha256(BYTES, SEED)}` });
  });

  test('a denied target is denied', async (context) => {
    const curl = program(context, 'curl');
    const args = ['-q', '-sS', '--socks5-hostname', stack.socks, 'http://denied.test/'];
    const finished = await run(curl, args, context);
    expect(finished, stack.story()).toMatchObject({ code: 97 });
    expect(finished.stderr).toContain('(2)');
  });

  test('a datagram comes back', async (context) => {
    const echo = await startTarget({ kind: 'udp-echo' });
    const association = await associate(address(stack.socks));
    context.onTestFinished(() => {
      association.close();
      return echo.close();
    });
    association.send('target.test', echo.port, Buffer.from('hello'));
    expect((await association.received.next()).data.toString()).toBe('hello');
  });
});

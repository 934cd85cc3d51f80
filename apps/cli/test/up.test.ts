import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { startNode } from '@millrace/node-server';
import { patternBytes, startTarget } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKey } from '../src/generate-key.js';
import { run } from '../src/main.js';
import { runToEnd } from './support/run.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/certificates.js';
import { closedPort, listening } from './support/servers.js';
import { expectEchoed, socksConnect } from './support/socks-client.js';
import { tempDir } from './support/temp-dir.js';
import { testIo, type TestIo } from './support/test-io.js';

const KEY = generateKey();
const FREE = ['--socks', '127.0.0.1:0', '--http', '127.0.0.1:0'];

/** Starts a command that serves; it is stopped when the test is over. */
function start(
  argv: readonly string[],
  options: Parameters<typeof testIo>[0] = {},
): TestIo & { ended: Promise<number> } {
  const started = testIo(options);
  const ended = run(argv, started.io);
  onTestFinished(async () => {
    started.signal('SIGTERM');
    await ended;
  });
  return { ...started, ended };
}

async function echo() {
  const target = await startTarget({ kind: 'echo' });
  onTestFinished(() => target.close());
  return target;
}

async function expectEcho(proxy: string): Promise<void> {
  const { socket, reply } = await socksConnect(proxy, await echo());
  expect(reply).toBe(0);
  await expectEchoed(socket, patternBytes(1_000_003, 7));
  // A reset: an end alone would leave the stream open for what the target still has to say.
  socket.resetAndDestroy();
}

describe('millrace up --embedded', () => {
  test('carries bytes, tells what to type next, and stops by a signal', async () => {
    const up = start(['up', '--embedded', '--allow-private', ...FREE]);
    await up.printed('Ctrl-C stops it.');
    const [, proxy = ''] = /curl --socks5-hostname (\S+) https:\/\/example\.org\//.exec(up.out()) ?? [];
    await expectEcho(proxy);
    await up.printed('level 2');
    up.signal('SIGINT');
    expect(await up.ended).toBe(0);
    expect(up.out()).toMatch(/closed\n$/);
    expect(up.err()).toBe('');
    expect(up.signalListeners()).toBe(0);
  });

  test('with --json begins with the real addresses and tells of the peer', async () => {
    const target = await echo();
    const up = start(['up', '--embedded', '--allow-private', '--json', ...FREE, '--forward', `0=${target.address}`]);
    const ready = await up.event('ready');
    expect(up.events()[0]).toEqual(ready);
    expect(ready).toEqual({
      event: 'ready',
      socks: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as unknown,
      http: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as unknown,
      forward: [expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:[1-9]\\d*=${target.address}$`)) as unknown],
      node: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/?$/) as unknown,
      relay: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/?$/) as unknown,
    });
    expect(await up.event('peer')).toMatchObject({ level: 2, caps: 7, version: expect.any(String) as unknown });
    await expectEcho(ready.socks ?? '');
    await up.event('closed');
    up.signal('SIGTERM');
    expect(await up.ended).toBe(0);
    expect(up.events().at(-1)).toEqual({ event: 'shutdown', phase: 'closed', streams: 0 });
  });

  test('keeps targets on this machine closed without --allow-private', async () => {
    const up = start(['up', '--embedded', '--json', ...FREE]);
    const { socks = '' } = await up.event('ready');
    expect((await socksConnect(socks, await echo())).reply).toBe(2);
    expect(await up.event('open-failed')).toMatchObject({ code: 'POLICY_DENIED' });
  });

  test('prints the checkpoints of every open with --timing', async () => {
    const up = start(['up', '--embedded', '--allow-private', '--timing', '--json', ...FREE]);
    await expectEcho((await up.event('ready')).socks ?? '');
    const { checkpoints } = await up.event('timing');
    expect(checkpoints.map(({ step }) => step)).toContain('first-byte');
  });

  test('can do without one of the proxies', async () => {
    const up = start(['up', '--embedded', '--socks', '', '--http', '127.0.0.1:0']);
    await up.printed('curl --proxy http://127.0.0.1:');
    expect(up.out()).not.toContain('SOCKS5');
  });

  test('asks for the password where there is one', async () => {
    const file = tempDir().file('password', 'pass word\n');
    const up = start(['up', '--embedded', '--proxy-user', 'me', '--proxy-password-file', file, ...FREE]);
    await up.printed('--proxy-user me --socks5-hostname');
    expect(up.out()).not.toContain('pass word');
  });
});

describe('millrace up', () => {
  test('reaches a node with the options of a file', async () => {
    const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true });
    onTestFinished(() => node.close());
    const config = tempDir().file('millrace.json', {
      up: { relays: [{ url: node.url, kind: 'node' }], socks: '127.0.0.1:0', http: '' },
    });
    const up = start(['up', '--config', config, '--key-file', '-', '--json'], { stdin: `${KEY}\n` });
    const { socks = '', node: shown } = await up.event('ready');
    expect(shown).toBeUndefined();
    await expectEcho(socks);
  });

  test('reaches a node over TLS with authorities and a name of its own', async () => {
    const files = tempDir();
    const [cert, key] = [files.file('cert.pem', TEST_CERTIFICATE), files.file('key.pem', TEST_KEY)];
    const env = { MILLRACE_KEY: KEY };
    const tls = ['--tls-cert-file', cert, '--tls-key-file', key];
    const node = start(['node', '--listen', '127.0.0.1:0', '--admin', '', '--allow-private', '--json', ...tls], {
      env,
    });
    const { node: url = '' } = await node.event('ready');
    expect(url).toMatch(/^https:/);
    const { host } = new URL(url);
    const relay = `https://relay.invalid,kind=node,connect-to=${host},tls-name=localhost,ca-file=${cert}`;
    const up = start(['up', '--relay', relay, '--json', ...FREE], { env });
    await expectEcho((await up.event('ready')).socks ?? '');
  });

  test.each([
    ['1', 1, true],
    ['auto', 1, true],
    ['2', 1, false],
    ['1', 2, false],
  ])('at level %s with %i request at once notes what that means: %s', async (level, places, noted) => {
    const account = ['--account', `a,max-concurrent=${places}`];
    const relay = ['--relay', `http://${await closedPort()},kind=node,account=a`];
    const up = start(['up', ...relay, ...account, '--level', level, ...FREE], { env: { MILLRACE_KEY: KEY } });
    await up.printed('Ctrl-C stops it');
    expect(up.out().includes('one request at once')).toBe(noted);
  });

  test('does not need the relay to be there', async () => {
    const up = start(['up', '--relay', 'http://127.0.0.1:1,kind=node', '--json', ...FREE], {
      env: { MILLRACE_KEY: KEY },
    });
    await up.event('ready');
    expect(await up.event('relay-failed')).toMatchObject({ code: 'RELAY_OFFLINE' });
    up.signal('SIGTERM');
    expect(await up.ended).toBe(0);
  });

  test.each([
    [{}, 'add `--socks 127.0.0.1:0 --http 127.0.0.1:0`'],
    [{ npm_lifecycle_event: 'start' }, 'type `npm start -- --socks 127.0.0.1:0 --http 127.0.0.1:0`'],
  ])('says how to choose another port where one is taken %j', async (env, words) => {
    const { address } = await listening(createServer());
    const up = await runToEnd(['up', '--embedded', '--json', '--socks', address, '--http', '127.0.0.1:0'], { env });
    expect(up.exitCode).toBe(5);
    expect(up.err()).toContain(`error: ADDRESS_IN_USE: ${address}`);
    expect(up.err()).toContain(`where: --socks ${address}`);
    expect(up.err()).toContain(words);
    expect(up.events()).toEqual([
      expect.objectContaining({
        event: 'error',
        code: 'ADDRESS_IN_USE',
        next: expect.stringContaining(words) as unknown,
      }),
    ]);
  });

  test.each([
    ['a proxy', ['--socks', '0.0.0.0:0', '--http', ''], '--proxy-password-file'],
    ['a forward', [...FREE, '--forward', '0.0.0.0:0=example.org:1'], 'cannot ask for a password'],
  ])('refuses to bind %s outside loopback without a password', async (_, flags, words) => {
    const up = await runToEnd(['up', '--embedded', ...flags]);
    expect(up.exitCode).toBe(3);
    expect(up.err()).toContain('error: PROXY_OPEN');
    expect(up.err()).toContain(words);
  });

  test.each([
    [['up'], 3, 'CONFIG_INVALID', '--embedded'],
    [['up', '--relay', 'http://127.0.0.1:1,kind=node'], 4, 'KEY_MISSING', 'millrace keygen'],
    [['up', '--relay', 'ftp://127.0.0.1,kind=node'], 3, 'CONFIG_INVALID', 'http'],
    [['up', '--embedded', '--forward', 'nonsense'], 3, 'CONFIG_INVALID', 'HOST:PORT'],
    [['up', '--config', '/nowhere/millrace.json'], 6, 'FILE_UNREADABLE', '/nowhere/millrace.json'],
  ])('%j ends with %i', async (argv, exitCode, code, words) => {
    const up = await runToEnd(argv);
    expect(up.exitCode).toBe(exitCode);
    expect(up.err()).toContain(`error: ${code}: `);
    expect(up.err()).toContain(words);
    expect(up.err()).not.toMatch(/^ {4}at /m);
    expect(up.out()).toBe('');
  });
});

describe('millrace node', () => {
  test('prints its addresses and stops by a signal', async () => {
    const node = start(['node', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--json'], {
      env: { MILLRACE_KEY: KEY },
    });
    const { node: url, admin = '' } = await node.event('ready');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/?$/);
    expect((await fetch(new URL('/healthz', admin))).status).toBe(200);
    node.signal('SIGTERM');
    expect(await node.ended).toBe(0);
    expect(node.events().filter(({ event }) => event === 'shutdown')).toEqual([
      { event: 'shutdown', phase: 'draining', streams: 0 },
      { event: 'shutdown', phase: 'closed', streams: 0 },
    ]);
  });

  test('says what to type on the client', async () => {
    const node = start(['node', '--listen', '127.0.0.1:0', '--admin', '', '--allow-private', '--diagnose'], {
      env: { MILLRACE_KEY: KEY },
    });
    await node.printed(',kind=node');
    expect(node.out()).toContain('clients reach loopback');
    expect(node.out()).toContain('refusals say why');
    expect(node.out()).not.toContain(KEY);
  });

  test.each([
    [['node'], {}, 4, 'KEY_MISSING', 'millrace keygen'],
    [['node'], { MILLRACE_KEY: 'changeme' }, 4, 'KEY_WEAK', 'millrace keygen'],
    [['node', '--tls-cert-file', 'x'], { MILLRACE_KEY: KEY }, 3, 'CONFIG_INVALID', 'tlsKeyFile'],
    [
      ['node', '--tls-cert-file', '/nowhere/x', '--tls-key-file', '/nowhere/y'],
      { MILLRACE_KEY: KEY },
      6,
      'FILE_UNREADABLE',
      '/nowhere/',
    ],
  ])('%j with %j ends with %i', async (argv, env, exitCode, code, words) => {
    const node = await runToEnd(argv, { env });
    expect(node.exitCode).toBe(exitCode);
    expect(node.err()).toContain(`error: ${code}: `);
    expect(node.err()).toContain(words);
    expect(node.err()).not.toContain('changeme');
  });

  test.each([
    ['no certificate', 'no PEM', TEST_KEY, 'holds no certificate', '--tls-cert-file'],
    ['no key', TEST_CERTIFICATE, 'no PEM', 'holds no private key', '--tls-key-file'],
  ])('names the file of TLS that holds %s', async (_, cert, key, words, where) => {
    const dir = tempDir();
    const tls = ['--tls-cert-file', dir.file('cert.pem', cert), '--tls-key-file', dir.file('key.pem', key)];
    const node = await runToEnd(['node', ...tls], { env: { MILLRACE_KEY: KEY } });
    expect(node.exitCode).toBe(3);
    expect(node.err()).toContain(words);
    expect(node.err()).toContain(`where: ${where} ${dir.path('')}`);
  });

  test('says where a rule may stand that is no name, and what one is', async () => {
    const argv = ['node', '--listen', '127.0.0.1:0', '--admin', '', '--allow-names', '*.example.org'];
    const node = await runToEnd(argv, { env: { MILLRACE_KEY: KEY } });
    expect(node.exitCode).toBe(3);
    expect(node.err()).toContain('.example.org with everything below it');
    expect(node.err()).toContain('where: the flags, or section "node"');
  });

  test('says which address is taken', async () => {
    const { address } = await listening(createServer());
    const node = await runToEnd(['node', '--listen', address], { env: { MILLRACE_KEY: KEY } });
    expect(node.exitCode).toBe(5);
    expect(node.err()).toContain(`--listen ${address}`);
  });
});

describe('millrace relay', () => {
  const env = { MILLRACE_RELAY_TOKEN: generateKey() };

  test('prints its address without its token and stops by a signal', async () => {
    const relay = start(['relay', '--node', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0'], { env });
    await relay.printed('token-file=FILE');
    expect(relay.out()).not.toContain(env.MILLRACE_RELAY_TOKEN);
    relay.signal('SIGTERM');
    expect(await relay.ended).toBe(0);
  });

  test('with --apps-script prints the script with address and token', async () => {
    const relay = await runToEnd(['relay', '--node', 'https://node.example', '--apps-script'], { env });
    expect(relay.exitCode).toBe(0);
    expect(relay.out()).toContain('https://node.example');
    expect(relay.out()).toContain(env.MILLRACE_RELAY_TOKEN);
    expect(relay.out()).toContain('function doPost');
  });

  test('writes the script to a file that only its owner can read', async () => {
    const path = tempDir().path('relay.gs');
    const argv = ['relay', '--node', 'https://node.example', '--apps-script', '--out', path];
    const relay = await runToEnd(argv, { env });
    expect(relay.exitCode).toBe(0);
    expect(relay.out()).not.toContain(env.MILLRACE_RELAY_TOKEN);
    expect(readFileSync(path, 'utf8')).toContain(env.MILLRACE_RELAY_TOKEN);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await runToEnd(argv, { env })).exitCode).toBe(6);
  });

  test.each([
    [['relay'], 3, 'CONFIG_INVALID', '--node'],
    [['relay', '--node', 'http://127.0.0.1:1', '--out', 'x'], 2, 'USAGE', '--apps-script'],
    [['relay', '--node', 'nonsense'], 3, 'CONFIG_INVALID', 'http'],
  ])('%j ends with %i', async (argv, exitCode, code, words) => {
    const relay = await runToEnd(argv, { env });
    expect(relay.exitCode).toBe(exitCode);
    expect(relay.err()).toContain(`error: ${code}: `);
    expect(relay.err()).toContain(words);
  });

  test('needs a token', async () => {
    const relay = await runToEnd(['relay', '--node', 'http://127.0.0.1:1']);
    expect(relay.exitCode).toBe(4);
    expect(relay.err()).toContain('MILLRACE_RELAY_TOKEN');
  });
});

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { patternBytes, startTarget } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKey } from '../src/generate-key.js';
import { closedPort, listening } from './support/servers.js';
import { millrace } from './support/process.js';
import { expectEchoed, socksConnect } from './support/socks-client.js';

const KEY = generateKey();
const TOKEN = generateKey();
const FREE = ['--socks', '127.0.0.1:0', '--http', '127.0.0.1:0'];

async function target(kind: 'echo' | 'silent') {
  const started = await startTarget({ kind });
  onTestFinished(() => started.close());
  return started;
}

test('keygen prints a key and ends', async () => {
  const keygen = millrace(['keygen']);
  expect(await keygen.ended).toEqual({ code: 0, signal: null });
  expect(keygen.out()).toMatch(/^[\w-]{43}\n$/);
});

describe('up --embedded', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('carries bytes and ends cleanly by %s', async (signal) => {
    const up = millrace(['up', '--embedded', '--allow-private', '--json', ...FREE]);
    const { socks = '' } = await up.event('ready');
    const { socket, reply } = await socksConnect(socks, await target('echo'));
    expect(reply).toBe(0);
    await expectEchoed(socket, patternBytes(5_000_011, 3));
    up.kill(signal);
    expect(await up.ended).toEqual({ code: 0, signal: null });
    expect(up.events().at(-1)).toEqual({ event: 'shutdown', phase: 'closed', streams: 0 });
    expect(up.err()).toBe('');
  });

  test('ends cleanly with streams open, which are cut and not ended', async () => {
    const up = millrace(['up', '--embedded', '--allow-private', '--json', ...FREE]);
    const { socks = '' } = await up.event('ready');
    const { socket } = await socksConnect(socks, await target('silent'));
    const cut = once(socket, 'error');
    up.kill('SIGTERM');
    expect(await up.ended).toEqual({ code: 0, signal: null });
    expect((await cut)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  test('outlives a reader that only wanted the first line', async () => {
    const up = millrace(['up', '--embedded', '--allow-private', '--json', ...FREE]);
    const { socks = '' } = await up.event('ready');
    up.stopReading();
    const { socket } = await socksConnect(socks, await target('echo'));
    await expectEchoed(socket, Buffer.from('still there'));
    up.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
  });
});

describe('three processes', () => {
  test('node, relay and up carry bytes; the node drains', async () => {
    const node = millrace(['node', '--allow-private', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--json'], {
      env: { MILLRACE_KEY: KEY },
    });
    const { node: nodeUrl = '', admin = '' } = await node.event('ready');
    const relay = millrace(['relay', '--node', nodeUrl, '--listen', '127.0.0.1:0', '--json', '--token-file', '-'], {
      stdin: TOKEN,
    });
    const { relay: relayUrl = '' } = await relay.event('ready');
    const up = millrace(['up', '--relay', `${relayUrl},token=${TOKEN}`, '--key-file', '-', '--json', ...FREE], {
      stdin: KEY,
    });
    const { socks = '' } = await up.event('ready');
    expect(await up.event('peer')).toMatchObject({ level: 2, caps: 7 });

    const { socket, reply } = await socksConnect(socks, await target('echo'));
    expect(reply).toBe(0);
    await expectEchoed(socket, Buffer.from('first'));

    // The stream that runs may go on to its end; the node ends when it has.
    node.kill('SIGTERM');
    expect(await node.event('shutdown')).toMatchObject({ phase: 'draining', streams: 1 });
    expect((await fetch(new URL('/readyz', admin))).status).toBe(503);
    await expectEchoed(socket, Buffer.from('last'));
    socket.resetAndDestroy();
    expect(await node.ended).toEqual({ code: 0, signal: null });

    up.kill('SIGTERM');
    relay.kill('SIGTERM');
    expect([(await up.ended).code, (await relay.ended).code]).toEqual([0, 0]);
    expect(up.out() + up.err() + relay.out() + node.out()).not.toMatch(new RegExp(`${KEY}|${TOKEN}`));
  });

  test('a second signal ends a node that drains at once', async () => {
    const node = millrace(
      ['node', '--allow-private', '--listen', '127.0.0.1:0', '--admin', '', '--drain', '3600', '--json'],
      { env: { MILLRACE_KEY: KEY } },
    );
    const { node: nodeUrl = '' } = await node.event('ready');
    const up = millrace(['up', '--relay', `${nodeUrl},kind=node`, '--json', ...FREE], { env: { MILLRACE_KEY: KEY } });
    const { socks = '' } = await up.event('ready');
    await socksConnect(socks, await target('silent'));
    node.kill('SIGINT');
    await node.event('shutdown');
    node.kill('SIGTERM');
    expect(await node.ended).toEqual({ code: 143, signal: null });
  });
});

test('errors have their exit code and no stack', async () => {
  const up = millrace(['up', '--relay', `http://${await closedPort()},kind=node`]);
  expect(await up.ended).toEqual({ code: 4, signal: null });
  expect(up.err()).toMatch(/^error: KEY_MISSING: .*\nwhere: .*\nnext: {2}.*millrace keygen.*\n$/);
});

test('doctor tells of a relay that is offline', async () => {
  const doctor = millrace(['doctor', '--relay', `http://${await closedPort()},kind=node`, '--json', ...FREE], {
    env: { MILLRACE_KEY: KEY },
  });
  expect((await doctor.ended).code).toBe(1);
  expect(doctor.events().at(-1)).toMatchObject({ event: 'check', name: 'tcp', code: 'RELAY_OFFLINE' });
});

test.each([
  // The shell makes 130 and 143 of an end by the signal itself.
  ['doctor', 'SIGINT', { code: null, signal: 'SIGINT' }],
  ['doctor', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
  ['bench --live', 'SIGINT', { code: 130, signal: null }],
  ['bench --live', 'SIGTERM', { code: 143, signal: null }],
] as const)('%s that waits for a silent relay is ended by %s', async (command, signal, end) => {
  const silent = createServer();
  const { address } = await listening(silent);
  const asked = once(silent, 'request');
  const args = [...command.split(' '), '--relay', `http://${address},kind=node`, ...FREE];
  const started = millrace(args, { env: { MILLRACE_KEY: KEY } });
  await asked;
  started.kill(signal);
  expect(await started.ended).toEqual(end);
  expect(started.err()).toBe('');
});

test('the file that npm links begins with a shebang', () => {
  const { bin } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    bin: { millrace: string };
  };
  const text = readFileSync(new URL(bin.millrace.replace('./', '../'), import.meta.url), 'utf8');
  expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true);
});

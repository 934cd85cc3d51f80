import { startNode } from '@millrace/node-server';
import { patternBytes, startTarget } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKey } from '../src/generate-key.js';
import { run } from '../src/main.js';
import { millrace } from './support/process.js';
import { runToEnd } from './support/run.js';
import { expectEchoed, socksConnect } from './support/socks-client.js';
import { tempDir } from './support/temp-dir.js';
import { testIo } from './support/test-io.js';

const KEY = generateKey();
const TOKEN = generateKey();
const FREE = ['--socks', '127.0.0.1:0', '--http', ''];
const FAULTS = {
  seed: 9,
  clientLeg: { up: { delayMs: { uniform: [0, 3] } }, down: { rateMbps: 800 } },
  windows: [{ status: 503, fromRequest: 0, toRequest: 1 }],
};

async function echo() {
  const target = await startTarget({ kind: 'echo' });
  onTestFinished(() => target.close());
  return target;
}

describe('millrace relay --faults', () => {
  test('carries bytes as badly as the file says, and tells its ceiling and what happened', async () => {
    const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true });
    onTestFinished(() => node.close());
    const faults = tempDir().file('faults.json', FAULTS);
    const args = ['relay', '--node', node.url, '--listen', '127.0.0.1:0', '--token-file', '-', '--faults', faults];
    const relay = millrace([...args, '--json'], { stdin: TOKEN });
    const { relay: url = '' } = await relay.event('ready');
    expect(await relay.event('simulator')).toMatchObject({ seed: 9, roundTripMs: 1.5, downMBps: 100 });
    const up = millrace(['up', '--relay', `${url},token=${TOKEN}`, '--json', ...FREE], { env: { MILLRACE_KEY: KEY } });
    const { socks = '' } = await up.event('ready');
    const { socket, reply } = await socksConnect(socks, await echo());
    expect(reply).toBe(0);
    await expectEchoed(socket, patternBytes(1_000_003, 5));
    socket.resetAndDestroy();
    up.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    relay.kill('SIGTERM');
    expect(await relay.ended).toEqual({ code: 0, signal: null });
    const counts = await relay.event('simulator-counts');
    expect(counts.faults).toContainEqual({ fault: 'window', count: 1 });
    expect(counts.bytesUp).toBeGreaterThan(1_000_003);
    expect(counts.bytesDown).toBeGreaterThan(1_000_003);
    expect(relay.events().at(-1)).toEqual({ event: 'shutdown', phase: 'closed', streams: 0 });
    expect(relay.out() + relay.err()).not.toContain(TOKEN);
  });

  test('prints address, ceiling and counts for a person', async () => {
    const faults = tempDir().file('faults.json', { ...FAULTS, slowFactor: 2 });
    const args = ['relay', '--node', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0', '--faults', faults];
    const started = testIo({ env: { MILLRACE_RELAY_TOKEN: TOKEN } });
    const ended = run(args, started.io);
    await started.printed('simulated relay, seed 9: adds 3 ms to an exchange, bears any rate up and 50 MB/s down; ');
    started.signal('SIGINT');
    expect(await ended).toBe(0);
    expect(started.out()).toMatch(/a bare loop reached [\d.]+ MB\/s each way, [\d.]+ requests\/s/);
    expect(started.out()).toMatch(/simulated relay: 0 requests, 0 MB up, .* no faults\nclosed\n$/);
  });

  test.each([
    [{ sede: 1 }, 3, 'CONFIG_UNKNOWN_KEY: sede is not known; known are seed, '],
    [{ clientLeg: { up: { rateMbps: 'x' } } }, 3, 'CONFIG_INVALID: clientLeg.up.rateMbps must be a number from'],
    ['{,}', 3, 'line 1, column 2'],
  ])('refuses %j with the place', async (content, code, words) => {
    const faults = tempDir().file('faults.json', content);
    const ran = await runToEnd(['relay', '--node', 'http://127.0.0.1:1', '--faults', faults], {
      env: { MILLRACE_RELAY_TOKEN: TOKEN },
    });
    expect(ran.exitCode).toBe(code);
    expect(ran.err()).toContain(words);
    expect(ran.err()).toContain('faults.json');
  });

  test('does not take options that a simulated relay has not', async () => {
    const args = ['relay', '--node', 'http://127.0.0.1:1', '--faults', 'faults.json', '--max-body-bytes', '100000'];
    const ran = await runToEnd(args, { env: { MILLRACE_RELAY_TOKEN: TOKEN } });
    expect(ran.exitCode).toBe(2);
    expect(ran.err()).toContain('--max-body-bytes');
  });
});

describe('millrace up --faults', () => {
  test('makes the embedded relay bad', async () => {
    const faults = tempDir().file('faults.json', { ...FAULTS, textOnly: true });
    const started = testIo();
    const args = ['up', '--embedded', '--allow-private', '--json', '--faults', faults, ...FREE];
    const ended = run(args, started.io);
    const { socks = '' } = await started.event('ready');
    await started.event('simulator');
    const { socket, reply } = await socksConnect(socks, await echo());
    expect(reply).toBe(0);
    await expectEchoed(socket, patternBytes(300_007, 6));
    socket.resetAndDestroy();
    started.signal('SIGTERM');
    expect(await ended).toBe(0);
    expect((await started.event('simulator-counts')).faults).toContainEqual({ fault: 'window', count: 1 });
  });

  test('is refused where there is no embedded relay', async () => {
    const ran = await runToEnd(['up', '--relay', 'http://127.0.0.1:1,kind=node', '--faults', 'x'], {
      env: { MILLRACE_KEY: KEY },
    });
    expect(ran.exitCode).toBe(3);
    expect(ran.err()).toContain('only the embedded relay can be made bad');
  });
});

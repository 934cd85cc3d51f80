import { readFileSync } from 'node:fs';
import type { LiveReport } from '../src/live/index.js';
import { startNode } from '@millrace/node-server';
import { startRelay } from '@millrace/relay';
import { patternBytes, startRelaySimulator } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKey } from '../src/generate-key.js';
import { run } from '../src/main.js';
import { millrace } from './support/process.js';
import { runToEnd } from './support/run.js';
import { webServer } from './support/servers.js';
import { tempDir } from './support/temp-dir.js';
import { testIo } from './support/test-io.js';

const KEY = generateKey();
const TOKEN = generateKey();
const BYTES = 100_000;
const env = { MILLRACE_KEY: KEY };

/** A page of pattern bytes, more than is wanted, and an address that takes what is posted. */
async function web(): Promise<{ url: string; taken: number[] }> {
  const taken: number[] = [];
  const { url } = await webServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.once('end', () => {
      if (request.method === 'POST') taken.push(bytes);
      response.end(request.method === 'POST' ? 'taken' : patternBytes(BYTES * 3, 1));
    });
  });
  return { url: `${url}/`, taken };
}

async function relayUrl(): Promise<string> {
  const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true });
  onTestFinished(() => node.close());
  const relay = await startRelay({ listen: '127.0.0.1:0', node: node.url, token: TOKEN });
  onTestFinished(() => relay.close());
  return relay.url;
}

describe('millrace bench --live', () => {
  test('says what it will cost, measures each relay of a file, and writes a report', async () => {
    const { url, taken } = await web();
    const dir = tempDir();
    const relay = new URL('/', await relayUrl()).href;
    const relays = [
      { url: relay, token: TOKEN, account: 'a' },
      { url: `${relay}other`, token: 'another-token-that-is-wrong-here' },
    ];
    const config = dir.file('millrace.json', { up: { relays, accounts: [{ name: 'a', dailyRequests: 1_000 }] } });
    const report = dir.path('report.json');
    const limits = ['--bytes', String(BYTES), '--probes', '3', '--requests', '50', '--seconds', '30'];
    const bench = millrace(
      ['bench', '--live', config, '--download', url, '--upload', url, ...limits, '--json', report],
      { env },
    );
    expect([(await bench.ended).code, bench.err()]).toEqual([1, '']);
    const lines = bench.out().split('\n');
    expect(lines[0]).toBe(
      'Measuring 2 relays, one after the other: 3 round trips for the latency, up to 97.7 KiB each way; a relay is given up after 50 requests or 30 s; at most 391 KiB of payload and about 100 requests in all.',
    );
    expect(lines.slice(1, 4)).toEqual(['latency', 'download', 'upload'].map((part) => `${relay}: ${part} …`));
    expect(bench.out()).toMatch(/\nrelay +level +latency p50 +max +down +up +requests +on the wire +per request\n/);
    expect(bench.out()).toContain(`${relay}other: latency failed: RELAY_AUTH: `);
    expect(bench.out()).toContain('What to change:');
    expect(bench.err()).toBe('');
    expect(taken).toEqual([BYTES]);
    const { relays: found, requests } = JSON.parse(readFileSync(report, 'utf8')) as LiveReport;
    expect(found[0]).toMatchObject({ works: true, errors: [], uploadBytes: BYTES });
    expect([1, 2]).toContain(found[0]!.level);
    expect(found[1]).toMatchObject({ works: false });
    expect(bench.out()).toContain(`It cost ${requests} requests in all.`);
    expect(bench.out()).toContain(`\n  account a: ${found[0]!.requests} of 1000 requests a day, `);
    expect(bench.out() + readFileSync(report, 'utf8')).not.toMatch(new RegExp(`${KEY}|${TOKEN}|another-token`));
  });

  test('takes the flags of up, and ends with 0 where all is well', async () => {
    const args = ['--relay', `${await relayUrl()},token=${TOKEN}`, '--probes', '2'];
    const ran = await runToEnd(['bench', '--live', ...args], { env });
    expect(ran.exitCode).toBe(0);
    expect(ran.out()).toContain(
      'Measuring 1 relay: 2 round trips for the latency; a relay is given up after 500 requests',
    );
    expect(ran.out()).toContain('Give an address to download from');
  });

  test('measures what is embedded', async () => {
    const { url } = await web();
    const args = ['--embedded', '--allow-private', '--download', url, '--bytes', '65536'];
    const ran = await runToEnd(['bench', '--live', ...args]);
    expect(ran.exitCode).toBe(0);
    expect(ran.out()).toMatch(/MB\/s/);
  });

  test('stops after so many requests', async () => {
    const { url } = await web();
    const relay = await relayUrl();
    const args = ['--relay', `${relay},token=${TOKEN}`, '--probes', '20', '--requests', '10', '--download', url];
    const ran = await runToEnd(['bench', '--live', ...args], { env });
    expect(ran.exitCode).toBe(1);
    expect(ran.out()).toContain('stopped after 10 requests');
  });

  test('stops by a signal, and tells what it has', async () => {
    const node = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true });
    onTestFinished(() => node.close());
    const started = testIo({ env });
    const onFault = (): void => started.signal('SIGINT');
    const lost = { faults: { requestLost: 1 }, node: node.url, token: TOKEN, onFault };
    const silent = await startRelaySimulator(lost);
    onTestFinished(() => silent.close());
    const code = await run(['bench', '--live', '--relay', `${silent.url},token=${TOKEN}`], started.io);
    expect(code).toBe(130);
    expect(started.out()).toContain('stopped by a signal');
    expect(started.signalListeners()).toBe(0);
  });

  test('measures nothing when the report cannot be written', async () => {
    const ran = await runToEnd(['bench', '--live', '--embedded', '--json', '/nowhere/report.json']);
    expect([ran.exitCode, ran.out()]).toEqual([6, '']);
    expect(ran.err()).toContain('cannot write /nowhere/report.json: there is no such file or folder');
  });

  test.each([
    [['bench'], 2, 'nothing was asked to be measured'],
    [['bench', '--live', 'a', '--config', 'b'], 2, 'two configuration files'],
    [['bench', '--live', '--embedded', '--download', 'ftp://x'], 2, '--download needs an http: or https: address'],
    [['bench', '--live', '--embedded', '--bytes', '1'], 2, '--bytes needs a whole number from 65536 to 268435456'],
    [['bench', '--live'], 3, 'no relay was given'],
    [['bench', '--live', '--relay', 'http://127.0.0.1:99999,kind=node'], 3, 'CONFIG_INVALID'],
    [['bench', '--live', '--embedded', '--json', '/'], 6, 'cannot write /'],
  ])('%j ends with %i', async (argv, code, words) => {
    const ran = await runToEnd(argv, { env });
    expect(ran.exitCode).toBe(code);
    expect(ran.err()).toContain(words);
  });
});

import { openTunnel, type Tunnel } from '@millrace/client';
import { toDuplex } from '@millrace/client/node';
import { EventHub, type AccountEntry } from '@millrace/protocol';
import { startNode } from '@millrace/node-server';
import {
  PatternChecker,
  SimulatedAccounts,
  patternStream,
  startRelaySimulator,
  startTarget,
  type FaultOdds,
  type RelaySimulator,
  type SimulatorSettings,
} from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';

const KEY = 'e2e-node-key-0123456789-abcdefghij';
const STREAMS = 4;
const BYTES = 2 * 1024 * 1024;

/** Every fault there is, so that about every third exchange fails in some way. */
const FAULTS: FaultOdds = {
  requestLost: 0.03,
  requestRefused: 0.03,
  requestReset: 0.03,
  responseLost: 0.03,
  responseReset: 0.03,
  responseEmpty: 0.03,
  responseTruncated: 0.03,
  responseHtml: 0.03,
  doubled: 0.03,
  late: 0.03,
  reordered: 0.03,
};

const cleanups: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function keep<T extends { close(): Promise<void> }>(part: Promise<T>): Promise<T> {
  const started = await part;
  cleanups.push(() => started.close());
  return started;
}

/** A client and a node at level 2 with simulated relays between them. */
async function setup(settings: SimulatorSettings[], accounts: AccountEntry[] = []) {
  const node = await keep(startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', allowPrivate: true }));
  const shared = new SimulatedAccounts();
  const relays: RelaySimulator[] = [];
  for (const each of settings) {
    relays.push(await keep(startRelaySimulator({ ...each, node: node.url, accounts: shared })));
  }
  const entries = relays.map(({ url }, index) => ({
    url,
    kind: 'relay' as const,
    token: 'a-token-that-nobody-checks-here',
    carries: settings[index]?.textOnly === true ? ('text' as const) : ('bytes' as const),
    ...(accounts[0] === undefined ? {} : { account: accounts[0].name }),
    // Small, so that there are many exchanges for things to happen to.
    maxRequestBytes: 65_536,
    maxResponseBytes: 65_536,
  }));
  const failures: string[] = [];
  const events = new EventHub();
  events.subscribe((event) => {
    if (event.event === 'exchange' && event.code !== undefined) failures.push(event.code);
  });
  const tunnel = await keep(openTunnel({ key: KEY, level: '2', relays: entries, accounts, events }));
  return { tunnel, relays, failures };
}

function faultsOf(relays: readonly RelaySimulator[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const relay of relays) {
    for (const [name, count] of Object.entries(relay.stats().faults)) counts[name] = (counts[name] ?? 0) + count;
  }
  return counts;
}

/** Sends so many bytes on each of the streams to an echo, and compares what comes back by position. */
async function echoThrough(tunnel: Tunnel, bytes: number): Promise<void> {
  const target = await keep(startTarget({ kind: 'echo' }));
  const echo = async (index: number): Promise<number> => {
    const stream = toDuplex(await tunnel.connect({ host: target.host, port: target.port }));
    patternStream(bytes, index).pipe(stream);
    const checker = new PatternChecker(index);
    for await (const chunk of stream) checker.push(chunk as Uint8Array);
    return checker.bytes;
  };
  const echoed = await Promise.all(Array.from({ length: STREAMS }, (_, index) => echo(index)));
  expect(echoed).toEqual(Array.from({ length: STREAMS }, () => bytes));
}

describe('relays with every fault there is', () => {
  test.each([1, 2])('lose, repeat and change no byte, seed %i', async (seed) => {
    const settings: SimulatorSettings = {
      faults: FAULTS,
      lateMs: [100, 2_000],
      doubledGapMs: [0, 200],
      clientLeg: { up: { delayMs: { uniform: [0, 10] } }, down: { delayMs: { uniform: [0, 10] } } },
    };
    const text = { ...settings, seed: seed + 1_000, textOnly: true, redirects: 1 };
    const { tunnel, relays, failures } = await setup([{ ...settings, seed }, text]);
    await echoThrough(tunnel, BYTES);
    const { notText, tooLarge, overloaded, wrongToken, ...met } = faultsOf(relays);
    expect([notText, tooLarge, overloaded, wrongToken]).toEqual([0, 0, 0, 0]);
    expect(Object.values(met).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10);
    expect(failures.length).toBeGreaterThan(0);
  });
});

describe('relays with limits', () => {
  test('that share an account never get more requests at once than it bears', async () => {
    const relay = { account: 'a', concurrency: 3, clientLeg: { up: { delayMs: { fixed: 2 } } } };
    const { tunnel, relays } = await setup([relay, { ...relay, textOnly: true }], [{ name: 'a', maxConcurrent: 3 }]);
    await echoThrough(tunnel, BYTES / 4);
    expect(faultsOf(relays)['concurrency']).toBe(0);
  });

  test('that refuse for a while cost no byte', async () => {
    const windows = [
      { status: 429, retryAfterSeconds: 1, fromRequest: 4, toRequest: 8 },
      { status: 403, fromRequest: 12, toRequest: 16 },
    ];
    const { tunnel, relays, failures } = await setup([{ windows }, { windows, seed: 2 }]);
    await echoThrough(tunnel, BYTES / 4);
    expect(faultsOf(relays)['window']).toBeGreaterThan(0);
    expect(failures).toContain('RELAY_QUOTA_RATE');
  });
});

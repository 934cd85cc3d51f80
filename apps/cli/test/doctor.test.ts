import { startNode, type NodeOptions, type TunnelNode } from '@millrace/node-server';
import type { CheckEvent, ErrorCode, RelayEntry } from '@millrace/protocol';
import { startRelay } from '@millrace/relay';
import { startFaultRelay, startTarget, type FaultChoice } from '@millrace/testkit';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKey } from '../src/generate-key.js';
import { runToEnd } from './support/run.js';
import { healthy, scriptedNode, type OpAnswers } from './support/scripted-node.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/certificates.js';
import { closedPort, listening, tlsServer } from './support/servers.js';
import { tempDir } from './support/temp-dir.js';

const KEY = generateKey();
const TOKEN = generateKey();
/** An address that nothing in the tests is asked for: the scripted nodes answer for it. */
const IPV6_TARGET = '[2001:db8::1]:443';

async function node(options: Partial<NodeOptions> = {}): Promise<TunnelNode> {
  const started = await startNode({ key: KEY, listen: '127.0.0.1:0', admin: '', ...options });
  onTestFinished(() => started.close());
  return started;
}

async function relay(nodeUrl: string): Promise<RelayEntry> {
  const started = await startRelay({ listen: '127.0.0.1:0', node: nodeUrl, token: TOKEN });
  onTestFinished(() => started.close());
  return { url: started.url, token: TOKEN };
}

async function faultyRelay(fault: FaultChoice): Promise<RelayEntry> {
  const started = await startFaultRelay({ node: (await node()).url, decide: () => fault });
  onTestFinished(() => started.close());
  return { url: started.url, token: TOKEN };
}

const direct = (url: string): RelayEntry => ({ url, kind: 'node' });

interface SetUp {
  relays: RelayEntry[];
  flags?: string[];
  key?: string;
}

/** Runs the doctor over a set-up; gives the exit code and the checks. */
async function diagnose({ relays, flags = [], key = KEY }: SetUp) {
  const config = tempDir().file('millrace.json', { up: { relays, socks: '127.0.0.1:0', http: '127.0.0.1:0' } });
  const ran = await runToEnd(['doctor', '--config', config, '--json', ...flags], { env: { MILLRACE_KEY: key } });
  const checks = ran.events().filter((event): event is CheckEvent => event.event === 'check');
  return { ...ran, checks, notOk: checks.filter(({ ok }) => !ok) };
}

interface BrokenSetUp {
  name: string;
  code: ErrorCode;
  /** The check that finds it. */
  check: string;
  /** Words of the next step. */
  next: string;
  warning?: true;
  make: () => Promise<SetUp>;
}

const BROKEN: BrokenSetUp[] = [
  {
    name: 'wrong key',
    code: 'RELAY_AUTH',
    check: 'auth',
    next: 'Compare the key on both sides',
    make: async () => ({ relays: [direct((await node()).url)], key: generateKey() }),
  },
  {
    name: 'http for https',
    code: 'RELAY_SCHEME',
    check: 'answer',
    next: 'https://',
    make: async () => ({ relays: [direct((await tlsServer(() => {})).url.replace('https:', 'http:'))] }),
  },
  {
    name: 'relay answers HTML with 200',
    code: 'RELAY_HTML',
    check: 'body',
    next: 'in a browser',
    make: async () => ({ relays: [await faultyRelay('html')] }),
  },
  {
    name: 'truncated',
    code: 'RELAY_TRUNCATED',
    check: 'answer',
    next: 'another relay, or a smaller batch',
    make: async () => ({ relays: [await faultyRelay({ do: 'truncate', how: 'length' })] }),
  },
  {
    name: 'quota page',
    code: 'RELAY_QUOTA_DAY',
    check: 'answer',
    next: 'relay of another account',
    make: async () => ({ relays: [await faultyRelay({ do: 'quota-page', quota: 'day' })] }),
  },
  {
    name: 'clock',
    code: 'CLOCK_SKEW',
    check: 'clock',
    next: 'Set the clock',
    make: async () => {
      const hourAhead = healthy({ version: () => ({ caps: 1, v: '0.1.0', node: 'one', now: Date.now() + 3_600_000 }) });
      return { relays: [direct((await scriptedNode(hourAhead)).url)] };
    },
  },
  {
    name: 'older node',
    code: 'PEER_VERSION',
    check: 'version',
    next: 'Update the older side',
    warning: true,
    make: async () => {
      const older = healthy({ version: () => ({ e: 'unknown op', code: 'UNSUPPORTED_OP' }) });
      return { relays: [direct((await scriptedNode(older)).url)] };
    },
  },
  {
    name: 'DNS',
    code: 'RELAY_NAME',
    check: 'name',
    next: 'DNS',
    make: async () => ({ relays: [direct('https://relay.invalid')] }),
  },
  {
    name: 'no IPv6',
    code: 'PEER_NO_IPV6',
    check: 'ipv6',
    next: 'give the node an IPv6 address',
    warning: true,
    make: async () => {
      const ipv4Only = healthy({
        connect: ({ host }) =>
          host?.includes(':')
            ? { e: 'no route', code: 'DIAL_NET_UNREACHABLE' }
            : { e: 'denied', code: 'POLICY_DENIED' },
      });
      return { relays: [direct((await scriptedNode(ipv4Only)).url)], flags: ['--ipv6-target', IPV6_TARGET] };
    },
  },
  {
    name: 'node down',
    code: 'RELAY_NODE_DOWN',
    check: 'node',
    next: 'Check that the node runs',
    make: async () => ({ relays: [await relay(`http://${await closedPort()}`)] }),
  },
  {
    name: 'egress denied',
    code: 'POLICY_DENIED',
    check: 'dial',
    next: '--allow-private',
    make: async () => {
      const target = await startTarget({ kind: 'echo' });
      onTestFinished(() => target.close());
      return { relays: [direct((await node()).url)], flags: ['--target', target.address] };
    },
  },
  {
    name: 'relay to another node',
    code: 'PEER_DIFFERENT_NODES',
    check: 'nodes',
    next: 'the same node address',
    make: async () => ({ relays: [await relay((await node()).url), await relay((await node()).url)] }),
  },
];

describe('each broken set-up has its own code and next step', () => {
  test('there are twelve, with twelve codes and twelve next steps', () => {
    expect(new Set(BROKEN.map(({ code }) => code)).size).toBe(12);
    expect(new Set(BROKEN.map(({ next }) => next)).size).toBe(12);
  });

  test.each(BROKEN)('$name: $code', async ({ make, code, check, next, warning }) => {
    const { notOk, exitCode, out, err } = await diagnose(await make());
    expect(notOk).toEqual([expect.objectContaining({ event: 'check', name: check, code, ok: false })]);
    expect(notOk[0]?.next).toContain(next);
    expect(notOk[0]?.message).not.toBe('');
    expect(notOk[0]?.warning).toBe(warning);
    expect(exitCode).toBe(warning ? 0 : 1);
    expect(err()).toBe('');
    expect(out()).not.toContain(KEY);
    expect(out()).not.toContain(TOKEN);
  });

  test.each(BROKEN.filter(({ warning }) => warning))('$name fails with --strict', async ({ make }) => {
    const { flags = [], ...setUp } = await make();
    expect((await diagnose({ ...setUp, flags: [...flags, '--strict'] })).exitCode).toBe(1);
  });
});

describe('a request that was refused', () => {
  const seen = async (entry: RelayEntry, key = KEY) => {
    const { checks, exitCode } = await diagnose({ relays: [entry], key });
    expect(exitCode).toBe(1);
    return { names: checks.slice(4).map(({ name }) => name), last: checks.at(-1) };
  };
  const refused = (next: string) => ({
    names: ['name', 'tcp', 'answer', 'auth'],
    last: { ok: false, code: 'RELAY_AUTH', next: expect.stringContaining(next) as unknown },
  });

  test('by a relay with another token, or a node taken for one, points at the token and the kind', async () => {
    const { url } = await node();
    const otherToken = { ...(await relay(url)), token: generateKey() };
    expect(await seen(otherToken)).toMatchObject(refused('Compare the token (`token-file`)'));
    expect(await seen({ url, token: TOKEN })).toMatchObject(refused('(`kind`)'));
  });

  test('by a relay taken for a node points at the kind, after the key', async () => {
    const { url } = await relay((await node()).url);
    expect(await seen(direct(url))).toMatchObject(refused('leave out `kind=node`'));
  });
});

test('at level 2, what does not answer in HTTP is no relay, and not an older node', async () => {
  const { address } = await listening(createServer((socket) => socket.on('error', () => {}).pipe(socket)));
  const { notOk } = await diagnose({ relays: [{ url: `http://${address}`, token: TOKEN }], flags: ['--level', '2'] });
  expect(notOk).toMatchObject([
    { name: 'body', code: 'RELAY_BODY', next: expect.stringContaining('is a Millrace relay') as unknown },
  ]);
});

describe('with a state file', () => {
  const STATE_FLAGS = ['--account', 'a,daily-requests=40,quota-margin-percent=10,quota-reset=rolling'];

  const withState = async (state: unknown) => {
    const file = tempDir().file('state.json', state);
    const before = readFileSync(file, 'utf8');
    let requests = 0;
    const counting = healthy({
      version: () => {
        requests += 1;
        return { caps: 1, v: '0.1.0', node: 'one' };
      },
    });
    const relays = [{ ...direct((await scriptedNode(counting)).url), account: 'a' }];
    const flags = [...STATE_FLAGS, '--state-file', file];
    const ran = await diagnose({ relays, flags });
    const strict = await diagnose({ relays, flags: [...flags, '--strict'] });
    expect(readFileSync(file, 'utf8')).toBe(before);
    return { ...ran, strict, requests };
  };
  const counted = (used: number) => ({
    version: 1,
    accounts: { a: { reset: 'rolling', counts: [[Date.now(), used]], offsetMs: 0 } },
    relays: {},
  });

  test('an account that is used up is a warning, with until when, and gets no request', async () => {
    const { notOk, exitCode, strict, requests } = await withState(counted(36));
    expect(notOk).toMatchObject([{ name: 'answer', code: 'RELAY_QUOTA_DAY', warning: true }]);
    expect(notOk[0]?.message).toMatch(
      /account a: 36 of 40 requests a day are used; it is expected to go on at .* UTC$/,
    );
    expect([exitCode, strict.exitCode, requests]).toEqual([0, 1, 0]);
  });

  test('an account that has requests left is asked', async () => {
    const { checks, notOk, requests } = await withState(counted(35));
    expect(notOk).toEqual([]);
    expect(checks.find(({ name }) => name === 'state')?.message).toContain('a 35 of 40');
    expect(requests).toBeGreaterThan(0);
  });

  test('that cannot be read, it is a warning that names it, and the relay is asked', async () => {
    const { notOk, exitCode, requests } = await withState('half a fi');
    expect(notOk).toMatchObject([{ name: 'state', code: 'CONFIG_INVALID', warning: true }]);
    expect(notOk[0]?.message).toContain('state.json: it is not JSON');
    expect(exitCode).toBe(0);
    expect(requests).toBeGreaterThan(0);
  });
});

describe('a set-up without faults', () => {
  test('passes every check, through two relays and directly', async () => {
    const { url } = await node({ allowPrivate: true });
    const target = await startTarget({ kind: 'echo' });
    onTestFinished(() => target.close());
    const relays = [await relay(url), await relay(url), direct(url)];
    const { checks, notOk, exitCode } = await diagnose({ relays, flags: ['--target', target.address] });
    expect(notOk).toEqual([]);
    expect(exitCode).toBe(0);
    const perRelay = ['name', 'tcp', 'answer', 'body', 'node', 'auth', 'version', 'clock', 'dial'];
    const own = ['config', 'key', 'socks', 'http'];
    expect(checks.map(({ name }) => name)).toEqual([...own, ...perRelay, ...perRelay, ...perRelay, 'nodes']);
    expect(new Set(checks.map(({ relay: label }) => label)).size).toBe(4);
  });

  test('shows the dial by the node itself where no target is given', async () => {
    const { checks, exitCode } = await diagnose({ relays: [direct((await node()).url)] });
    expect(checks.find(({ name }) => name === 'dial')).toMatchObject({
      ok: true,
      message: expect.stringContaining('closed') as unknown,
    });
    expect(exitCode).toBe(0);
  });

  test('is what --embedded shows, as a list for a person', async () => {
    const ran = await runToEnd(['doctor', '--embedded', '--socks', '127.0.0.1:0', '--http', '']);
    expect(ran.exitCode).toBe(0);
    expect(ran.out()).toMatch(/^ok {3}config {3}.*\n(.*\n)*ok {3}dial .*\n\n\d+ checks, none failed\.\n$/);
    expect(ran.out()).not.toContain('FAIL');
  });
});

test('a wrong configuration is the first check, and the last', async () => {
  const config = tempDir().file('millrace.json', { up: { relys: [] } });
  const ran = await runToEnd(['doctor', '--config', config, '--json']);
  expect(ran.exitCode).toBe(1);
  expect(ran.events()).toEqual([expect.objectContaining({ name: 'config', ok: false, code: 'CONFIG_UNKNOWN_KEY' })]);
});

test('a missing key does not hide the checks of local ports', async () => {
  const ran = await runToEnd([
    'doctor',
    '--relay',
    'http://relay.invalid,kind=node',
    '--socks',
    '127.0.0.1:0',
    '--http',
    '',
    '--json',
  ]);
  expect(ran.exitCode).toBe(1);
  expect(ran.events()).toMatchObject([
    { name: 'config', ok: true },
    { name: 'key', ok: false, code: 'KEY_MISSING' },
    { name: 'socks', ok: true },
  ]);
});

test('a relay that is offline does not hide the checks of the next one', async () => {
  const relays = [direct(`http://${await closedPort()}`), direct((await node()).url)];
  const { notOk, checks, exitCode } = await diagnose({ relays });
  expect(notOk).toMatchObject([{ name: 'tcp', code: 'RELAY_OFFLINE' }]);
  expect(checks.at(-1)).toMatchObject({ name: 'dial', ok: true });
  expect(exitCode).toBe(1);
});

describe('a dial', () => {
  const dialed = async (answer: OpAnswers, flags: string[] = []) => {
    const { checks, exitCode } = await diagnose({
      relays: [direct((await scriptedNode(healthy({ connect: answer }))).url)],
      flags,
    });
    return { last: checks.at(-1), exitCode };
  };

  test.each([
    ['DIAL_REFUSED', true, 0],
    ['DIAL_FAILED', false, 1],
  ])('to an own address of the node that ends with %s: ok is %s', async (code, ok, exitCode) => {
    expect(await dialed(() => ({ e: 'no', code }))).toMatchObject({ last: { name: 'dial', ok }, exitCode });
  });

  test('over IPv6 that works is fine', async () => {
    const answer: OpAnswers = ({ host }) =>
      host?.includes(':')
        ? { sid: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', caps: 1 }
        : { e: 'no', code: 'POLICY_DENIED' };
    expect(await dialed(answer, ['--ipv6-target', IPV6_TARGET])).toMatchObject({
      last: { name: 'ipv6', ok: true },
      exitCode: 0,
    });
  });

  test('over IPv6 that fails otherwise says nothing of IPv6', async () => {
    const answer: OpAnswers = ({ host }) => ({ e: 'no', code: host?.includes(':') ? 'DIAL_TIMEOUT' : 'POLICY_DENIED' });
    expect(await dialed(answer, ['--ipv6-target', IPV6_TARGET])).toMatchObject({
      last: { code: 'DIAL_TIMEOUT' },
      exitCode: 1,
    });
  });
});

test('TLS is checked as the client does it: by name, with the authorities of the relay', async () => {
  const { url } = await node({ tls: { cert: TEST_CERTIFICATE, key: TEST_KEY } });
  const caFile = tempDir().file('ca.pem', TEST_CERTIFICATE);
  const connectTo = new URL(url).host;
  const relays: RelayEntry[] = [
    { url: 'https://relay.invalid', kind: 'node', connectTo, tlsName: 'localhost', caFile },
  ];
  const { notOk, checks, exitCode } = await diagnose({ relays });
  expect(notOk).toEqual([]);
  expect(checks.map(({ name }) => name)).toContain('tls');
  expect(exitCode).toBe(0);
});

test('local ports of forwards are checked too', async () => {
  const { address } = await listening(createServer((socket) => socket.end()));
  const ran = await diagnose({
    relays: [direct((await node()).url)],
    flags: ['--forward', `${address}=example.org:1`],
  });
  expect(ran.notOk).toMatchObject([{ name: 'forward', code: 'ADDRESS_IN_USE' }]);
});

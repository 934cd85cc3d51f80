import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bed } from '../src/bed/types.js';
import type { TransferVerb } from '../src/check/request.js';
import { bundleWorkers, removeBundle } from '../src/process/bundle.js';
import { bedContext } from '../src/run/context.js';
import { openLab, type Lab } from '../src/run/lab.js';
import { measureEcho } from '../src/run/measure-echo.js';
import { measureTransfer } from '../src/run/measure-transfer.js';
import { LIE_AT, startLyingTunnel, type Lie } from './lying-tunnel.js';

const BYTES = 4 * 2 ** 20;
let harness = '';
let lab: Lab;

beforeAll(async () => {
  harness = await bundleWorkers('harness');
  const { startHarness } = bedContext({
    folders: { harness, subject: harness },
    side: 'subject',
    name: 'test',
  });
  lab = await openLab(startHarness);
});
afterAll(async () => {
  await lab.close();
  await removeBundle(harness);
});

/** Runs a transfer through a tunnel that lies, and gives what the harness has to say. */
async function problemsThrough(
  lie: Lie | undefined,
  verb: Exclude<TransferVerb, 'echo'>,
  transfers = 1,
): Promise<string> {
  const tunnel = await startLyingTunnel(lab.address.port, lie);
  const bed: Bed = {
    entry: { kind: 'forward', host: '127.0.0.1', port: tunnel.port },
    measured: [],
    close: () => tunnel.close(),
  };
  try {
    let problems: string[] = [];
    for (let i = 0; i < transfers; i++) {
      ({ problems } = await measureTransfer(lab, bed, { verb, streams: 1, bytesPerStream: BYTES, timeoutMs: 20_000 }));
    }
    return problems.join('\n');
  } finally {
    await bed.close();
  }
}

/** The offset that a problem names. */
const offsetIn = (problem: string): number => Number(/offset (\d+)/.exec(problem)?.[1]);

describe('an honest tunnel has no problem', () => {
  test.each(['download', 'upload', 'end-first', 'end-last'] as const)('in %s', async (verb) => {
    expect(await problemsThrough(undefined, verb)).toBe('');
  });
});

describe.each(['download', 'upload'] as const)('in %s, a tunnel is caught that', (verb) => {
  test.each([
    ['reverses', /wrong byte/],
    ['drops', /1000 bytes are missing or late/],
    ['repeats', /bytes are repeated from 1000 before/],
    ['shifts', /wrong byte/],
    ['reorders', /1000 bytes are missing or late/],
  ] as const)('%s bytes, with the offset', async (lie, message) => {
    const problems = await problemsThrough(lie, verb);
    expect(problems).toMatch(message);
    expect(offsetIn(problems)).toBeGreaterThanOrEqual(LIE_AT);
    expect(offsetIn(problems)).toBeLessThan(BYTES);
  });

  test('ends a stream before its last byte', async () => {
    expect(await problemsThrough('ends early', verb)).toMatch(
      verb === 'download' ? /bytes are missing/ : /EPIPE|bytes are missing|before the upload was confirmed/,
    );
  });

  test('cuts a stream', async () => {
    expect(await problemsThrough('cuts', verb)).not.toBe('');
  });
});

test('a tunnel that acknowledges an upload early, by itself, is caught', async () => {
  expect(await problemsThrough('acknowledges early', 'upload')).toMatch(/confirmation did not come from the target/);
});

test('a tunnel that acknowledges an upload with what the target said of an earlier one is caught', async () => {
  expect(await problemsThrough('replays an acknowledgement', 'upload', 2)).toMatch(
    /confirmation did not come from the target/,
  );
});

test('a tunnel that knows the pattern and delivers bytes before they were sent is caught', async () => {
  expect(await problemsThrough('forges', 'download')).toMatch(/arrived before the source had sent them/);
});

test('wrong bytes of an echo are named', async () => {
  const tunnel = await startLyingTunnel(lab.address.port, 'repeats');
  const bed: Bed = {
    entry: { kind: 'forward', host: '127.0.0.1', port: tunnel.port },
    measured: [],
    close: () => tunnel.close(),
  };
  const { problems } = await measureEcho(lab, bed, { count: 30, bytes: 20_000, stream: 'one', as: 'latencyMs' });
  await bed.close();
  expect(problems.join()).toMatch(/wrong bytes at offset \d+ of the echo/);
});

test('a counter of the wire that loses counts while streams run side by side is caught', async () => {
  let counted = 0;
  // Each chunk adds to what was counted before some others did.
  const tunnel = await startLyingTunnel(lab.address.port, undefined, (bytes) => {
    const before = counted;
    setImmediate(() => (counted = before + bytes));
  });
  const bed: Bed = {
    entry: { kind: 'forward', host: '127.0.0.1', port: tunnel.port },
    measured: [],
    wire: () => Promise.resolve({ requests: 4, bytes: counted, mostInFlight: 4 }),
    close: () => tunnel.close(),
  };
  const { problems } = await measureTransfer(lab, bed, { verb: 'download', streams: 4, bytesPerStream: BYTES });
  await bed.close();
  expect(problems).toEqual([
    expect.stringMatching(/^bytes on the wire: counted \d+, the streams say at least 16777216$/),
  ]);
});

test('what the checker costs is told apart from what the tunnel costs', async () => {
  const tunnel = await startLyingTunnel(lab.address.port);
  const bed: Bed = {
    entry: { kind: 'forward', host: '127.0.0.1', port: tunnel.port },
    measured: [],
    close: () => tunnel.close(),
  };
  const { figures } = await measureTransfer(lab, bed, { verb: 'download', streams: 2, bytesPerStream: BYTES });
  await bed.close();
  expect(figures.cpuSecondsPerGB).toBe(0);
  expect(figures.checkerCpuSecondsPerGB).toBeGreaterThan(0);
  expect(figures.processes?.map(({ role }) => role)).toEqual(['application', 'target']);
});

import { expect, test } from 'vitest';
import type { LiveRelay } from '../live/index.js';
import { bytes, liveLine, liveTable } from './live-table.js';

const works: LiveRelay = {
  relay: 'https://one.example/',
  kind: 'relay',
  works: true,
  errors: [],
  level: 2,
  latencyMsP50: 4.26,
  latencyMsMax: 120.4,
  downloadMBps: 12.345,
  uploadMBps: 3,
  requests: 14,
  wireBytes: 3 * 1024 * 1024,
  payloadBytesPerRequest: 600 * 1024,
};
const fails: LiveRelay = {
  relay: 'https://two.example/',
  kind: 'node',
  works: false,
  errors: [{ part: 'latency', code: 'RELAY_OFFLINE', text: 'connection refused' }],
  requests: 1,
  wireBytes: 512,
};

test('amounts are told in the unit that fits', () => {
  expect([0, 1023, 1024, 1_048_575, 1_048_576, 5_767_168].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1 KiB',
    '1020 KiB',
    '1 MiB',
    '5.5 MiB',
  ]);
});

test('a relay in one line: what was measured, and no more', () => {
  expect(liveLine(works)).toBe('latency 4.3 ms, down 12.3 MB/s, up 3 MB/s, 14 requests');
  const { downloadMBps: _down, uploadMBps: _up, latencyMsP50: _latency, ...little } = works;
  expect(liveLine(little)).toBe('latency -, 14 requests');
  expect(liveLine(fails)).toBe('does not work');
});

test('the table has a line for each relay, and says what failed, what it cost and what to change', () => {
  const report = { relays: [works, fails], requests: 15, advice: ['Give up the second.'] };
  const text = liveTable(report, ['one'], ['account a: 15 of 100']);
  expect(text.split('\n').map((line) => line.trimEnd())).toEqual([
    expect.stringMatching(/^relay +level +latency p50 +max +down +up +requests +on the wire +per request$/),
    expect.stringMatching(/^one +2 +4\.3 ms +120 ms +12\.3 MB\/s +3 MB\/s +14 +3 MiB +600 KiB$/),
    expect.stringMatching(/^https:\/\/two\.example\/ +- +- +- +- +- +1 +512 B +-$/),
    '',
    'What failed:',
    expect.stringMatching(/: latency failed: .*RELAY_OFFLINE.*connection refused$/),
    '',
    'It cost 15 requests in all.',
    '  account a: 15 of 100',
    '',
    'What to change:',
    '  Give up the second.',
  ]);
  const quiet = liveTable({ relays: [works], requests: 14, advice: [] }, ['one'], []);
  expect(quiet).not.toMatch(/What/);
});

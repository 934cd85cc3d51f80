import { expect, test } from 'vitest';
import { adviceFor } from './advice.js';
import type { LiveOptions, LiveRelay } from './types.js';

const options: LiveOptions = {
  tunnel: { key: 'x', pipelineDepth: 2 },
  download: 'http://example.org/',
  upload: 'http://example.org/',
};
const relay = (more: Partial<LiveRelay>): LiveRelay => ({
  relay: 'http://a/',
  kind: 'relay',
  works: true,
  errors: [],
  latencyMsP50: 20,
  requests: 5,
  wireBytes: 1000,
  ...more,
});

test('a relay that does not work is named with its code', () => {
  const errors = [{ part: 'latency' as const, code: 'RELAY_AUTH' as const, text: 'refused' }];
  expect(adviceFor([relay({ works: false, errors }), relay({}), relay({})], options)).toEqual([
    'http://a/ does not work (RELAY_AUTH: refused): repair it or take it out.',
  ]);
});

test('a relay far slower than the quickest is named', () => {
  expect(adviceFor([relay({}), relay({ relay: 'http://slow/', latencyMsP50: 600 })], options).join()).toMatch(
    /slow.* is 30 times slower/,
  );
});

test('long round trips ask for more ops in flight, small payloads for fewer', () => {
  const slow = relay({ latencyMsP50: 900 });
  expect(adviceFor([slow, slow], options)[0]).toMatch(/raise pipelineDepth from 2 to 4/);
  const small = relay({ payloadBytesPerRequest: 2048 });
  expect(adviceFor([small, relay({})], options).join()).toMatch(/only 2 KiB a request/);
});

test('a download too small to show a rate is named, and an address that is missing alone', () => {
  const small = relay({ downloadBytes: 100 });
  expect(adviceFor([small, relay({})], options)).toEqual([
    'What was downloaded has only 100 bytes, which shows no rate: give an address of 64 KiB or more.',
  ]);
  const { upload: _, ...downloadOnly } = options;
  expect(adviceFor([relay({}), relay({})], downloadOnly)).toEqual([
    'Give an address that takes a POST (--upload), to see throughput each way.',
  ]);
});

test('two good relays with both addresses need no advice', () => {
  expect(adviceFor([relay({}), relay({})], options)).toEqual([]);
});

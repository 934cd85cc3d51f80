import { describe, expect, test } from 'vitest';
import { resolveOptions } from './options.js';
import type { TunnelOptions } from './tunnel/types.js';

const key = 'correct-horse-battery-staple-42';
const node = { url: 'https://node.example', kind: 'node' as const };
const relay = { url: 'https://relay.example', token: 'secret' };
const code = (options: object): string | undefined => {
  try {
    resolveOptions({ key, relays: [node], ...options } as TunnelOptions);
    return undefined;
  } catch (error) {
    return (error as { name: string; code: string }).name === 'TunnelError'
      ? (error as { code: string }).code
      : 'another error';
  }
};

describe('options', () => {
  test('every option has its documented default', () => {
    expect(resolveOptions({ key, relays: [node] })).toMatchObject({
      pipelineDepth: 2,
      connectionsPerRelay: 8,
      connectTimeoutMs: 8_000,
      exchangeTimeoutMs: 60_000,
      batchWaitMs: 20,
      flowIdleSeconds: 120,
      streamBufferBytes: 16_777_216,
      timing: false,
      logTargets: false,
    });
  });

  test('wrong values, misspelt names, weak keys and missing relays are refused', () => {
    expect(code({})).toBeUndefined();
    expect(code({ pipelineDepth: 9 })).toBe('CONFIG_INVALID');
    expect(code({ pipelineDeph: 2 })).toBe('CONFIG_UNKNOWN_KEY');
    expect(code({ socks: '127.0.0.1:1080' })).toBe('CONFIG_UNKNOWN_KEY');
    expect(code({ key: undefined })).toBe('KEY_MISSING');
    expect(code({ key: '' })).toBe('KEY_MISSING');
    expect(code({ key: 'aaaa' })).toBe('KEY_WEAK');
    expect(code({ relays: [] })).toBe('CONFIG_INVALID');
    expect(code({ relays: [{ url: 'ftp://x' }] })).toBe('CONFIG_INVALID');
    expect(code({ relays: [{ url: 'https://', kind: 'node' }] })).toBe('CONFIG_INVALID');
    expect(code({ relays: [{ url: 'https://user:pass@x/', kind: 'node' }] })).toBe('CONFIG_INVALID');
    expect(code({ relays: [{ url: 'https://relay.example' }] })).toBe('CONFIG_INVALID');
    expect(code({ relays: [{ url: 'https://script.example', kind: 'script' }] })).toBe('CONFIG_INVALID');
  });

  test('names of relays hold no secrets, and tell equal addresses apart', () => {
    const { relays } = resolveOptions({
      key,
      relays: [
        { url: 'https://relay.example/exec?secret=1#fragment', token: 'tok' },
        { url: 'https://relay.example/exec?secret=2', token: 'tok' },
      ],
    });
    expect(relays.map(({ name }) => name)).toEqual(['https://relay.example/exec', 'https://relay.example/exec #2']);
  });

  test('a script gets its own key in bodies, all others the access key', () => {
    const { relays } = resolveOptions({
      key,
      relays: [
        node,
        { url: 'https://r.example', token: 'tok' },
        { url: 'https://s.example', kind: 'script', token: 'its own' },
      ],
    });
    expect(relays.map(({ bodyKey }) => bodyKey)).toEqual([key, key, 'its own']);
  });

  test('relays share accounts by name; those without one have their own, of 30 requests, of 256 for a node itself', () => {
    const { relays, accounts } = resolveOptions({
      key,
      accounts: [{ name: 'mine', maxConcurrent: 5 }],
      relays: [{ ...node, account: 'mine' }, { ...node, account: 'mine' }, relay, relay, node],
    });
    expect(relays.map(({ account }) => accounts.get(account)?.maxConcurrent)).toEqual([5, 5, 30, 30, 256]);
    expect(new Set(relays.map(({ account }) => account)).size).toBe(4);
  });

  test('relays share an account that is not described where none is; else its name is wrong', () => {
    const shared = [
      { ...relay, account: 'mine' },
      { ...relay, account: 'mine' },
    ];
    const { relays, accounts } = resolveOptions({ key, relays: shared });
    expect(new Set(relays.map(({ account }) => account)).size).toBe(1);
    expect([...accounts.values()]).toMatchObject([{ maxConcurrent: 30, dailyRequests: undefined }]);
    expect(() => resolveOptions({ key, relays: shared, accounts: [{ name: 'mime' }] })).toThrow(
      'relays[0].account is "mine", and there is no such account; did you mean mime?',
    );
  });

  test('a rule for resets that cannot be read is named with its place, itself and what is allowed', () => {
    const resolve = (quotaReset: string) =>
      resolveOptions({
        key,
        relays: [node],
        accounts: [{ name: 'good' }, { name: 'bad', quotaReset }],
      });
    for (const wrong of ['25:00 UTC', '00:00 Nowhere/City', '00:00', 'daily', '']) {
      expect(() => resolve(wrong)).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: expect.stringMatching(
            new RegExp(
              `^accounts\\[1\\]\\.quotaReset is "${wrong}"; allowed are "rolling", .*"00:00 America/Los_Angeles"$`,
            ),
          ),
        }),
      );
    }
    expect(resolve('rolling').accounts.get('named bad')).toMatchObject({ label: 'bad', quotaReset: 'rolling' });
    expect(resolve('00:00 America/Los_Angeles').accounts.size).toBe(3);
  });
});

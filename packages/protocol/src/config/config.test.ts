import { anything, assert, constantFrom, dictionary, object, oneof, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ProtocolError } from '../index.js';
import type { MillraceConfig, NodeConfig, UpConfig } from '../spec/config.js';
import {
  checkKey,
  configSchema,
  parseConfig,
  parseForward,
  resolveDoctor,
  resolveNode,
  resolveRelay,
  resolveUp,
} from './index.js';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

describe('parseConfig', () => {
  test('gives a file back as it is, without defaults', () => {
    const config: MillraceConfig = {
      $schema: 'urn:millrace:schema:config',
      up: { relays: [{ url: 'https://relay.example/', kind: 'node' }], pipelineDepth: 4 },
      node: { denyPorts: [25, 465] },
      relay: {},
    };
    const parsed = parseConfig(config);
    expect(parsed).toEqual(config);
    expect(parsed).not.toBe(config);
  });

  test.each<[string, unknown, string, string]>([
    ['no object', 5, 'CONFIG_INVALID', 'the configuration must be an object, not 5'],
    ['null', null, 'CONFIG_INVALID', 'the configuration must be an object, not null'],
    ['a list', [], 'CONFIG_INVALID', 'the configuration must be an object, not a list'],
    ['a section that is none', { up: [] }, 'CONFIG_INVALID', 'up must be an object, not a list'],
    [
      'a number as text',
      { up: { pipelineDepth: '2' } },
      'CONFIG_INVALID',
      'up.pipelineDepth must be a whole number from 1 to 8, not "2"',
    ],
    [
      'a fraction',
      { up: { pipelineDepth: 2.5 } },
      'CONFIG_INVALID',
      'up.pipelineDepth must be a whole number from 1 to 8, not 2.5',
    ],
    [
      'out of range',
      { node: { drainSeconds: 3601 } },
      'CONFIG_INVALID',
      'node.drainSeconds must be a whole number from 0 to 3600, not 3601',
    ],
    [
      'not one of',
      { up: { openReply: 'late' } },
      'CONFIG_INVALID',
      'up.openReply must be "early" or "result", not "late"',
    ],
    ['a switch', { node: { diagnose: 'yes' } }, 'CONFIG_INVALID', 'node.diagnose must be true or false, not "yes"'],
    ['null in a field', { node: { listen: null } }, 'CONFIG_INVALID', 'node.listen must be a string, not null'],
    ['no list', { up: { relays: {} } }, 'CONFIG_INVALID', 'up.relays must be a list, not an object'],
    [
      'a port',
      { node: { denyPorts: [25, 0] } },
      'CONFIG_INVALID',
      'node.denyPorts[1] must be a whole number from 1 to 65535, not 0',
    ],
    [
      'an empty address',
      { up: { relays: [{ url: '' }] } },
      'CONFIG_INVALID',
      'up.relays[0].url must be a string that is not empty, not an empty string',
    ],
    [
      'a missing address',
      { up: { relays: [{ url: 'a' }, { kind: 'node' }] } },
      'CONFIG_INVALID',
      'up.relays[1].url is missing',
    ],
    ['an unknown section', { client: {} }, 'CONFIG_UNKNOWN_KEY', 'client is not known'],
    [
      'a misspelt key',
      { up: { pipelinedepth: 2 } },
      'CONFIG_UNKNOWN_KEY',
      'up.pipelinedepth is not known; did you mean pipelineDepth?',
    ],
    [
      'a key with a typing error',
      { up: { sokcs: '' } },
      'CONFIG_UNKNOWN_KEY',
      'up.sokcs is not known; did you mean socks?',
    ],
    [
      'the beginning of a key',
      { node: { drain: 5 } },
      'CONFIG_UNKNOWN_KEY',
      'node.drain is not known; did you mean drainSeconds?',
    ],
    [
      'a key in a list',
      { up: { relays: [{ url: 'a', tlsname: 'b' }] } },
      'CONFIG_UNKNOWN_KEY',
      'up.relays[0].tlsname is not known; did you mean tlsName?',
    ],
    [
      'a key of nothing like it',
      { relay: { zzzzzzzzzzzz: 1 } },
      'CONFIG_UNKNOWN_KEY',
      'relay.zzzzzzzzzzzz is not known; known are listen, node',
    ],
    [
      'a key with a space',
      { up: { 'so cks': 1 } },
      'CONFIG_UNKNOWN_KEY',
      'up."so cks" is not known; did you mean socks?',
    ],
    [
      'a misspelt key before what follows from it',
      { up: { relays: [{ ulr: 'a' }] } },
      'CONFIG_UNKNOWN_KEY',
      'up.relays[0].ulr is not known; did you mean url?',
    ],
    ['a key of every object', JSON.parse('{"__proto__":{"up":{}}}'), 'CONFIG_UNKNOWN_KEY', '__proto__ is not a key'],
    ['another one', { constructor: 1 }, 'CONFIG_UNKNOWN_KEY', 'constructor is not known'],
  ])('refuses %s', (_, value, expected, message) => {
    expect(() => parseConfig(value)).toThrow(code(expected));
    expect(() => parseConfig(value)).toThrow(message);
  });

  test('does not show secrets, nor long texts', () => {
    const secret = 'mySecretToken-0123456789';
    const wrong = [
      { up: { relays: [{ url: 'a', token: [secret] }] } },
      { up: { relays: [{ url: 'a', token: secret, kind: 5 }] } },
      { up: { relays: secret.repeat(5) } },
      { up: { key: secret } },
      { node: { key: secret } },
    ];
    for (const value of wrong) {
      expect(() => parseConfig(value)).toThrow(ProtocolError);
      expect(() => parseConfig(value)).not.toThrow(secret);
    }
    expect(() => parseConfig({ up: { relays: [{ url: 'a', token: 12_345 }] } })).toThrow(
      /token must be a string, not a number$/,
    );
  });

  test('throws nothing else, whatever the value', () => {
    const key = constantFrom(
      'up',
      'node',
      'relay',
      'relays',
      'url',
      'token',
      'listen',
      'denyPorts',
      'accounts',
      '$schema',
      '__proto__',
      'x',
    );
    const shaped = dictionary(key, dictionary(key, oneof(anything(), dictionary(key, anything()))));
    for (const values of [anything(), object({ withNullPrototype: true }), shaped]) {
      assert(
        property(values, (value) => {
          for (const parse of [parseConfig, resolveUp, resolveDoctor, resolveNode, resolveRelay] as ((
            value: never,
          ) => unknown)[]) {
            try {
              parse(value as never);
            } catch (error) {
              expect(error).toBeInstanceOf(ProtocolError);
              expect((error as ProtocolError).code).toMatch(/^CONFIG_/);
            }
          }
        }),
        { numRuns: 300 },
      );
    }
  });

  test('does not follow a value that holds itself for ever', () => {
    const loop: Record<string, unknown> = {};
    loop['up'] = loop;
    expect(() => parseConfig(loop)).toThrow('nested deeper');
  });
});

describe('a resolved section', () => {
  test('has every default', () => {
    expect(resolveUp({})).toEqual({
      embedded: false,
      allowPrivate: false,
      socks: '127.0.0.1:1080',
      http: '127.0.0.1:8080',
      forward: [],
      relays: [],
      accounts: [],
      level: 'auto',
      allowDowngrade: false,
      stateFile: '',
      openReply: 'result',
      firstBytesMs: 50,
      pipelineDepth: 2,
      connectionsPerRelay: 8,
      connectTimeoutMs: 8000,
      exchangeTimeoutMs: 60_000,
      batchWaitMs: 20,
      flowIdleSeconds: 120,
      streamBufferBytes: 16_777_216,
      timing: false,
      logTargets: false,
    });
    expect(resolveNode({})).toMatchObject({
      listen: '127.0.0.1:8700',
      denyPorts: [25],
      allowNames: [],
      longPollMs: 15_000,
    });
    expect(resolveRelay({})).toMatchObject({ listen: '127.0.0.1:8800', nodeTimeoutMs: 120_000 });
    expect(resolveDoctor({})).toMatchObject({ target: [], maxClockSkewSeconds: 60 });
  });

  test('has defaults in its entries too', () => {
    const up = resolveUp({ relays: [{ url: 'https://a.example' }], accounts: [{ name: 'a' }] });
    // Types know what is always there.
    const kind: 'node' | 'relay' | 'script' = up.relays.at(0)!.kind;
    const maxConcurrent: number = up.accounts.at(0)!.maxConcurrent;
    expect([kind, maxConcurrent]).toEqual(['relay', 30]);
  });

  test('keeps what was given, leaves the given object alone, and shares nothing with other results', () => {
    const given: NodeConfig = { denyPorts: [], drainSeconds: 0, admin: '' };
    const node = resolveNode(given);
    expect(node).toMatchObject({ denyPorts: [], drainSeconds: 0, admin: '' });
    expect(given).toEqual({ denyPorts: [], drainSeconds: 0, admin: '' });
    resolveNode({}).denyPorts.push(80);
    expect(resolveNode({}).denyPorts).toEqual([25]);
  });

  test('takes undefined for absent', () => {
    const options = { pipelineDepth: undefined, socks: undefined } as unknown as UpConfig;
    expect(resolveUp(options)).toMatchObject({ pipelineDepth: 2, socks: '127.0.0.1:1080' });
  });

  test.each<[string, () => unknown, string]>([
    ['an address without port', () => resolveUp({ socks: 'localhost' }), 'socks: "localhost" has no port'],
    ['an address below a path', () => resolveNode({ listen: 'x' }, 'node'), 'node.listen: "x" has no port'],
    ['no address where one must be', () => resolveRelay({ listen: '' }), 'listen: "" has no port'],
    ['a forward without target', () => resolveUp({ forward: ['8080=a:1', '8081'] }), 'forward[1]: "8081" has no ='],
    [
      'a relay that is no address',
      () => resolveUp({ relays: [{ url: 'ftp://a' }] }, 'up'),
      'up.relays[0].url must be an http: or https: address',
    ],
    [
      'a node that is no address',
      () => resolveRelay({ node: 'node.example:8700' }),
      'node must be an http: or https: address',
    ],
    [
      'an address to connect to',
      () => resolveUp({ relays: [{ url: 'http://a', connectTo: 'b' }] }),
      'relays[0].connectTo: "b" has no port',
    ],
    [
      'an account named twice',
      () => resolveUp({ accounts: [{ name: 'a' }, { name: 'a' }] }),
      'accounts names "a" twice',
    ],
    [
      'an account that is not there, where others are',
      () => resolveUp({ relays: [{ url: 'http://a', account: 'mime' }], accounts: [{ name: 'mine' }] }),
      'relays[0].account is "mime", and there is no such account; did you mean mine?',
    ],
    ['a certificate without key', () => resolveNode({ tlsCertFile: 'a.pem' }), 'tlsCertFile needs tlsKeyFile'],
    ['a key without certificate', () => resolveNode({ tlsKeyFile: 'a.pem' }), 'tlsKeyFile needs tlsCertFile'],
    ['a target without port', () => resolveDoctor({ target: ['a'] }), 'target[0]: "a" has no port'],
    ['a target of port 0', () => resolveDoctor({ ipv6Target: '[::1]:0' }), 'ipv6Target: "[::1]:0" needs a port from 1'],
  ])('refuses %s', (_, resolve, message) => {
    expect(resolve).toThrow(code('CONFIG_INVALID'));
    expect(resolve).toThrow(message);
  });

  test('lets relays share an account that is not described, where none is', () => {
    const relays = ['http://a', 'http://b'].map((url) => ({ url, account: 'mine' }));
    expect(resolveUp({ relays })).toMatchObject({ relays, accounts: [] });
  });

  test('does not show the address of a relay, which may hold a token', () => {
    expect(() => resolveUp({ relays: [{ url: 'htps://a/?token=secret' }] })).not.toThrow('secret');
  });
});

test('parseForward', () => {
  expect(parseForward('8022=ssh.example:22')).toEqual({
    listen: { host: '127.0.0.1', port: 8022 },
    target: { host: 'ssh.example', port: 22 },
  });
  expect(parseForward('[::1]:0=[2001:db8::1]:22')).toEqual({
    listen: { host: '::1', port: 0 },
    target: { host: '2001:db8::1', port: 22 },
  });
  expect(() => parseForward('8022=ssh.example')).toThrow('forward: "ssh.example" has no port');
  expect(() => parseForward('8022=ssh.example:0')).toThrow('needs a port from 1');
});

describe('checkKey', () => {
  test.each(['3xk9QpZ0vT1mWb7LdR5yNc', '5f2b8c1e9a7d4036bd81f0e2c7a95d43', 'correct-Horse.battery!staple'])(
    'takes %s',
    (key) => {
      expect(() => checkKey(key)).not.toThrow();
    },
  );

  test.each([
    ['', 'KEY_MISSING', 'no access key was given'],
    ['3xk9QpZ0vT1mWb7LdR5yN', 'KEY_WEAK', 'has 21 characters, at least 22 are needed'],
    ['a'.repeat(40), 'KEY_WEAK', 'has fewer than 8 different characters'],
    ['abcdefgh'.repeat(4), 'KEY_WEAK', 'repeats itself'],
    ['swordfish-42-swordfish-42-', 'KEY_WEAK', 'repeats itself'],
    ['abcdefghijklmnopqrstuvwxyz', 'KEY_WEAK', 'is a row of neighbouring characters'],
    ['9876543210zyxwvutsrqponmlk', 'KEY_WEAK', 'is a row of neighbouring characters'],
    ['3xk9QpZ0vT1mWb7LdR5yNc'.repeat(8), 'KEY_WEAK', 'has more than 170 characters'],
  ])('refuses %j', (key, expected, message) => {
    expect(() => checkKey(key)).toThrow(code(expected));
    expect(() => checkKey(key)).toThrow(message);
  });

  test('never shows the key, and takes random ones', () => {
    assert(
      property(string({ maxLength: 60 }), (key) => {
        try {
          checkKey(key);
        } catch (error) {
          if (key.length > 3) expect((error as Error).message).not.toContain(key);
        }
      }),
    );
    for (let i = 0; i < 1000; i++)
      expect(() =>
        checkKey(Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')),
      ).not.toThrow();
  });
});

test('the schema says what it is', () => {
  expect(configSchema).toMatchObject({
    $id: 'urn:millrace:schema:config',
    type: 'object',
    additionalProperties: false,
  });
});

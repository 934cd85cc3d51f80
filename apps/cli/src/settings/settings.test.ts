import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/temp-dir.js';
import { checkDoctor } from './check-doctor.js';
import { checkUp } from './check-up.js';
import { readConfigFile } from './config-file.js';
import { readTextFile, writeSecretFile } from './files.js';
import { doctorSettings, nodeSettings, relaySettings, upSettings } from './section.js';

describe('a configuration file', () => {
  test('is read', async () => {
    const config = { $schema: './x', up: { socks: '127.0.0.1:0' } };
    expect(await readConfigFile(tempDir().file('a.json', config))).toEqual(config);
  });

  test('may begin with a byte order mark', async () => {
    expect(await readConfigFile(tempDir().file('a.json', '\uFEFF{}'))).toEqual({});
  });

  test('that is not JSON is refused with the place, without what stands there', async () => {
    const path = tempDir().file('a.json', '{\n  "up": { "relays": [{ "token": s3cret }] }\n}');
    const error = await readConfigFile(path).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', where: `${path}, line 2, column 33` });
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret');
  });

  test('with an unknown key is refused with the nearest right one', async () => {
    const path = tempDir().file('a.json', { up: { sock: '127.0.0.1:0' } });
    await expect(readConfigFile(path)).rejects.toMatchObject({
      code: 'CONFIG_UNKNOWN_KEY',
      where: path,
      message: expect.stringContaining('did you mean socks?') as unknown,
    });
  });

  test('with a wrong value is refused with its path', async () => {
    const path = tempDir().file('a.json', { node: { drainSeconds: -1 } });
    await expect(readConfigFile(path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      where: path,
      message: expect.stringContaining('node.drainSeconds') as unknown,
    });
  });

  test('that is not there is refused', async () => {
    const path = tempDir().path('none.json');
    await expect(readConfigFile(path)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      exitCode: 6,
      message: `cannot read ${path}: there is no such file or folder`,
    });
  });
});

describe('options', () => {
  test('flags win over the file, the file over defaults', () => {
    const file = { up: { socks: '127.0.0.1:1', http: '127.0.0.1:2', forward: ['1=a:1'] } };
    expect(upSettings(file, { socks: '127.0.0.1:3' })).toMatchObject({
      socks: '127.0.0.1:3',
      http: '127.0.0.1:2',
      forward: ['1=a:1'],
      pipelineDepth: 2,
    });
  });

  test('a list on the command line replaces that of the file', () => {
    expect(nodeSettings({ node: { denyPorts: [1, 2] } }, { denyPorts: [3] }).denyPorts).toEqual([3]);
    expect(nodeSettings({}, {}).denyPorts).toEqual([25]);
  });

  test('each section has its own', () => {
    expect(relaySettings({ relay: { node: 'http://h' } }, {})).toMatchObject({
      node: 'http://h',
      listen: '127.0.0.1:8800',
    });
    expect(doctorSettings({ doctor: { target: ['h:1'] } }, { strict: true })).toEqual({
      target: ['h:1'],
      strict: true,
      ipv6Target: '',
      maxClockSkewSeconds: 60,
    });
  });

  test('a wrong value of a flag is refused with its name', () => {
    expect(() => upSettings({}, { socks: 'nonsense' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        exitCode: 3,
        where: 'the flags, or section "up" of the configuration file',
      }),
    );
  });
});

const relays = [{ url: 'http://h', kind: 'node' as const }];
const check = (given: Record<string, unknown>) => () => checkUp(upSettings({}, given));
const checkIpv6 = (ipv6Target: string) => () => checkDoctor(doctorSettings({}, { ipv6Target }));

describe('options of up that do not go together', () => {
  test.each([
    ['no way to a node', {}, '--relay'],
    ['two ways of different kinds', { embedded: true, relays }, '--embedded, --relay'],
    ['a file to keep what is forgotten', { embedded: true, stateFile: 'f' }, '--embedded, --state-file'],
    ['private targets without a node', { relays, allowPrivate: true }, '--allow-private'],
    ['a user without a password', { relays, proxyUser: 'u' }, '--proxy-user, --proxy-password-file'],
    ['a password without a user', { relays, proxyPasswordFile: 'f' }, '--proxy-user, --proxy-password-file'],
    ['nothing to listen on', { relays, socks: '', http: '' }, '--socks, --http, --forward'],
    ['a relay without a token', { relays: [{ url: 'http://h/?secret=1' }] }, '--relay'],
    ['an account that no relay names', { relays, accounts: [{ name: 'a' }] }, '--account, --relay'],
    ['a script without a key', { relays: [{ url: 'http://h', kind: 'script' }] }, '--relay'],
  ])('%s', (_, given, where) => {
    expect(check(given)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', where }));
    expect(check(given)).toThrow(/^(?!.*secret)/);
  });

  test.each([
    [{ relays }],
    [{ embedded: true, allowPrivate: true }],
    [{ relays, socks: '', http: '', forward: ['1=a:1'] }],
    [{ relays, proxyUser: 'u', proxyPasswordFile: 'f' }],
    [{ relays: [{ url: 'http://h', tokenFile: 'f' }] }],
  ])('%j is fine', (given) => {
    expect(check(given)).not.toThrow();
  });
});

test('the target for IPv6 is an IPv6 address', () => {
  expect(checkIpv6('[::1]:80')).not.toThrow();
  expect(checkIpv6('')).not.toThrow();
  expect(checkIpv6('example.org:80')).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', where: '--ipv6-target' }),
  );
});

describe('files', () => {
  test('of secrets are for their owner only and never written over', async () => {
    const path = tempDir().path('key');
    await writeSecretFile(path, 'one', '--out');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(writeSecretFile(path, 'two', '--out')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      where: '--out',
      message: `cannot write ${path}: it exists already`,
    });
    expect(await readTextFile(path, '--key-file')).toBe('one');
  });

  test('a folder is no file', async () => {
    const path = tempDir().path('.');
    await expect(readTextFile(path, '--key-file')).rejects.toMatchObject({
      message: `cannot read ${path}: it is a folder`,
    });
  });
});

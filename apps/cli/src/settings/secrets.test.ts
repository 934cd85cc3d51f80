import { describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/temp-dir.js';
import { testIo } from '../../test/support/test-io.js';
import { generateKey } from '../generate-key.js';
import { secretReader } from './secrets.js';

const KEY = generateKey();
const OTHER = generateKey();

const reader = (options: Parameters<typeof testIo>[0] = {}) => secretReader(testIo(options).io);

describe('the key', () => {
  test('comes from a file, without its line end', async () => {
    expect(await reader().key(tempDir().file('key', `${KEY}\n`))).toBe(KEY);
    expect(await reader().key(tempDir().file('key', `${KEY}\r\n`))).toBe(KEY);
  });

  test('is the same with the marks and line ends of Windows', async () => {
    const line = `${KEY}\r\n`;
    expect(await reader().key(tempDir().file('key', `\uFEFF${line}`))).toBe(KEY);
    expect(await reader().key(tempDir().file('key', Buffer.from(`\uFEFF${line}`, 'utf16le')))).toBe(KEY);
    expect(await reader({ env: { MILLRACE_KEY: `${KEY}\r` } }).key(undefined)).toBe(KEY);
    expect(await reader().key(tempDir().file('key', `${KEY}\n\n`))).toBe(KEY);
  });

  test.each([
    ['more than one line', `${KEY}\n${OTHER}\n`],
    ['what is no text', Buffer.concat([Buffer.from(KEY), Buffer.of(0xff, 0)])],
    ['what is no text', Buffer.from(KEY, 'utf16le')],
  ])('is refused where there is %s', async (odd, content) => {
    const path = tempDir().file('key', content);
    const error = await reader()
      .key(path)
      .catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', where: `--key-file ${path}` });
    expect((error as Error).message).toContain(odd);
    expect((error as Error).message).not.toContain(KEY);
  });

  test('comes from standard input', async () => {
    expect(await reader({ stdin: `${KEY}\n` }).key('-')).toBe(KEY);
  });

  test('comes from MILLRACE_KEY where no file is named', async () => {
    expect(await reader({ env: { MILLRACE_KEY: KEY } }).key(undefined)).toBe(KEY);
    expect(await reader({ env: { MILLRACE_KEY: OTHER } }).key(tempDir().file('key', KEY))).toBe(KEY);
  });

  test('that is missing is an error that says how to make one', async () => {
    await expect(reader().key(undefined)).rejects.toMatchObject({
      code: 'KEY_MISSING',
      exitCode: 4,
      where: '--key-file, MILLRACE_KEY',
      next: expect.stringContaining('millrace keygen') as unknown,
    });
    await expect(reader().key(tempDir().file('key', '\n'))).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  test('that is weak is an error that does not show it', async () => {
    const error = await reader({ env: { MILLRACE_KEY: 'hunter2' } })
      .key(undefined)
      .catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      code: 'KEY_WEAK',
      where: 'MILLRACE_KEY',
      next: expect.stringContaining('millrace keygen') as unknown,
    });
    expect((error as Error).message).not.toContain('hunter2');
  });
});

test('the token of a relay has a variable of its own', async () => {
  expect(await reader({ env: { MILLRACE_RELAY_TOKEN: KEY } }).relayToken(undefined)).toBe(KEY);
  await expect(reader({ env: { MILLRACE_KEY: KEY } }).relayToken(undefined)).rejects.toMatchObject({
    code: 'KEY_MISSING',
    where: '--token-file, MILLRACE_RELAY_TOKEN',
  });
});

test('standard input is read for one secret only', async () => {
  const secrets = reader({ stdin: KEY });
  expect(await secrets.file('-', '--proxy-password-file')).toBe(KEY);
  await expect(secrets.key('-')).rejects.toMatchObject({ code: 'CONFIG_INVALID', where: '--key-file' });
});

describe('relay entries', () => {
  test('get the token that is in their file', async () => {
    const tokenFile = tempDir().file('token', `${KEY}\n`);
    const plain = { url: 'http://b', kind: 'node' as const };
    expect(await reader().relays([{ url: 'http://a', tokenFile }, plain])).toEqual([
      { url: 'http://a', token: KEY },
      plain,
    ]);
  });

  test('have a token or a token file', async () => {
    await expect(reader().relays([{ url: 'http://a', token: KEY, tokenFile: 'f' }])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  test('need a key unless all are scripts, which bring theirs', async () => {
    const script = { url: 'http://a', kind: 'script' as const, token: KEY };
    expect(await reader().keyFor([script], undefined)).toHaveLength(43);
    expect(await reader({ env: { MILLRACE_KEY: KEY } }).keyFor([script], undefined)).toBe(KEY);
    await expect(reader().keyFor([script, { url: 'http://b', kind: 'node' }], undefined)).rejects.toMatchObject({
      code: 'KEY_MISSING',
    });
  });
});

test('a key file that is given and wrong is not passed over for scripts', async () => {
  await expect(
    reader().keyFor([{ url: 'http://a', kind: 'script', token: KEY }], '/nowhere/key'),
  ).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('generated keys are strong and differ', async () => {
  expect(KEY).toMatch(/^[\w-]{43}$/);
  expect(KEY).not.toBe(OTHER);
});

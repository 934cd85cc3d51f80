import { readFileSync, statSync } from 'node:fs';
import { configSchema } from '@millrace/protocol/config';
import { VERSION } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../src/exit-codes.js';
import { runToEnd } from './support/run.js';
import { tempDir } from './support/temp-dir.js';

const COMMANDS = ['up', 'node', 'relay', 'doctor', 'bench', 'keygen', 'config'];

test.each(['--version', '-v'])('%s prints the version', async (flag) => {
  const ran = await runToEnd([flag]);
  expect(ran.exitCode).toBe(0);
  expect(ran.out()).toBe(`${VERSION}\n`);
});

describe('--help', () => {
  test('is -h too, also of a command', async () => {
    expect((await runToEnd(['-h'])).out()).toBe((await runToEnd(['--help'])).out());
    expect((await runToEnd(['up', '-h'])).out()).toBe((await runToEnd(['up', '--help'])).out());
  });

  test('lists the commands and the exit codes, with examples', async () => {
    const ran = await runToEnd(['--help']);
    expect(ran.exitCode).toBe(0);
    for (const command of COMMANDS) expect(ran.out()).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    for (const { code, text } of Object.values(EXIT))
      expect(ran.out()).toMatch(new RegExp(`^ {2}${code} +${text}$`, 'm'));
    expect(ran.out()).toContain('Examples:');
  });

  test.each(COMMANDS)('of %s has examples, also by the command help', async (command) => {
    const ran = await runToEnd([command, '--help'], { columns: 80 });
    expect(ran.exitCode).toBe(0);
    expect(ran.out()).toContain('Examples:');
    expect(ran.out()).toContain(`millrace ${command}`);
    expect((await runToEnd(['help', command], { columns: 80 })).out()).toBe(ran.out());
  });

  test('fits the terminal', async () => {
    const flags = (await runToEnd(['node', '--help'], { columns: 80 })).out().split('\nExamples:')[0] ?? '';
    expect(Math.max(...flags.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('a wrong command line', () => {
  test.each([
    [['upp'], "unknown command 'upp'", 'Did you mean up?'],
    [['up', '--sock', 'x'], "unknown option '--sock'", 'Did you mean --socks?'],
    [['config', 'chek'], "unknown command 'chek'", 'Did you mean check?'],
    [['up', '--socks'], "option '--socks <host:port>' argument missing", 'millrace help'],
    [['keygen', 'extra'], 'too many arguments', 'millrace help'],
    [[], 'no command was given', 'millrace --help'],
    [['config'], 'no command was given', 'millrace help config'],
    [['help', 'foo'], 'there is no command foo', 'millrace --help'],
    [['foo'], "unknown command 'foo'", 'millrace --help'],
    [['up', '--pipeline-depth', '99'], '--pipeline-depth needs a whole number from 1 to 8, not "99"', 'millrace help'],
  ])('%j ends with 2, what is wrong and what to do', async (argv, what, next) => {
    const ran = await runToEnd(argv);
    expect(ran.exitCode).toBe(2);
    expect(ran.err()).toContain(`error: USAGE: ${what}`);
    expect(ran.err()).toContain(next);
    expect(ran.out()).toBe('');
  });

  test('with --json is an event too', async () => {
    const ran = await runToEnd(['up', '--json', '--sock', 'x']);
    expect(ran.events()).toEqual([
      { event: 'error', code: 'USAGE', message: "unknown option '--sock'", next: 'Did you mean --socks?' },
    ]);
  });

  test('does not repeat the value of a relay, which may hold a token', async () => {
    const ran = await runToEnd(['up', '--relay', 'http://h,token=s3cret,oops']);
    expect(ran.exitCode).toBe(2);
    expect(ran.err() + ran.out()).not.toContain('s3cret');
  });
});

describe('keygen', () => {
  test('prints a new key each time', async () => {
    const [first, second] = [await runToEnd(['keygen']), await runToEnd(['keygen'])];
    expect(first.out()).toMatch(/^[\w-]{43}\n$/);
    expect(first.out()).not.toBe(second.out());
  });

  test('writes one to a file and does not print it', async () => {
    const path = tempDir().path('key');
    const ran = await runToEnd(['keygen', '--out', path]);
    const key = readFileSync(path, 'utf8');
    expect(key).toMatch(/^[\w-]{43}\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(ran.out()).not.toContain(key.trim());
  });

  test('does not write over a file', async () => {
    const path = tempDir().file('key', 'precious');
    const ran = await runToEnd(['keygen', '--out', path]);
    expect(ran.exitCode).toBe(6);
    expect(ran.err()).toContain('it exists already');
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });
});

describe('config', () => {
  test('schema prints the schema', async () => {
    const ran = await runToEnd(['config', 'schema']);
    expect(JSON.parse(ran.out())).toEqual(configSchema);
  });

  test('check is content with a right file', async () => {
    const path = tempDir().file('a.json', { up: { embedded: true }, node: {}, relay: {}, doctor: {} });
    const ran = await runToEnd(['config', 'check', path]);
    expect(ran.exitCode).toBe(0);
    expect(ran.out()).toContain('it sets up, node, relay, doctor');
    const json = await runToEnd(['config', 'check', path, '--json']);
    expect(json.events()).toMatchObject([{ event: 'check', name: 'config', ok: true }]);
  });

  test('check is content with a file that sets nothing', async () => {
    expect((await runToEnd(['config', 'check', tempDir().file('a.json', {})])).out()).toContain('it sets nothing');
  });

  test.each([
    [{ up: { sock: 'x' } }, 'CONFIG_UNKNOWN_KEY', 'did you mean socks?'],
    [{ up: {} }, 'CONFIG_INVALID', 'no relay was given'],
    [{ doctor: { ipv6Target: 'example.org:1' } }, 'CONFIG_INVALID', 'not an IPv6 address'],
    [{ relay: { listen: 'nonsense' } }, 'CONFIG_INVALID', 'nonsense'],
    ['{,}', 'CONFIG_INVALID', 'line 1, column 2'],
  ])('check refuses %j', async (config, code, words) => {
    const ran = await runToEnd(['config', 'check', tempDir().file('a.json', config)]);
    expect(ran.exitCode).toBe(3);
    expect(ran.err()).toContain(code);
    expect(ran.err()).toContain(words);
  });
});

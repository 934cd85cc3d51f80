import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addFlags, givenFlags } from './add-flags.js';
import type { SectionName } from './schema.js';

const command = (section: SectionName): Command => {
  const made = new Command('test').exitOverride().configureOutput({ writeErr: () => {} });
  addFlags(made, section);
  return made.action(() => {});
};

const given = (section: SectionName, ...argv: string[]): Record<string, unknown> =>
  givenFlags(command(section).parse(argv, { from: 'user' }), section);

describe('given flags', () => {
  test('hold only what was given, under the names of the configuration', () => {
    expect(given('up')).toEqual({});
    expect(given('up', '--pipeline-depth', '4', '--relay', 'http://h,kind=node', '--embedded')).toEqual({
      pipelineDepth: 4,
      relays: [{ url: 'http://h', kind: 'node' }],
      embedded: true,
    });
    expect(given('doctor', '--ipv6-target', '[::1]:1')).toEqual({ ipv6Target: '[::1]:1' });
  });

  test('a boolean can be turned off', () => {
    expect(given('up', '--no-timing')).toEqual({ timing: false });
    expect(given('up', '--timing')).toEqual({ timing: true });
    expect(given('up', '--timing', '--no-timing')).toEqual({ timing: false });
  });

  test('lists repeat', () => {
    expect(given('node', '--allow-ports', '80', '--allow-ports', '443,8443')).toEqual({ allowPorts: [80, 443, 8443] });
    expect(given('up', '--forward', '1=a:1', '--forward', '2=b:2')).toEqual({ forward: ['1=a:1', '2=b:2'] });
    expect(given('up', '--account', 'a', '--account', 'b,max-concurrent=3')).toEqual({
      accounts: [{ name: 'a' }, { name: 'b', maxConcurrent: 3 }],
    });
  });

  test('an empty text is a value: it turns a proxy off', () => {
    expect(given('up', '--socks', '')).toEqual({ socks: '' });
  });

  test('--drain is --drain-seconds', () => {
    expect(given('node', '--drain', '5')).toEqual({ drainSeconds: 5 });
    expect(given('node', '--drain-seconds', '5')).toEqual({ drainSeconds: 5 });
  });

  test('a wrong value is a usage error that names the flag', () => {
    expect(() => given('up', '--pipeline-depth', '9')).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        where: '--pipeline-depth',
        message: '--pipeline-depth needs a whole number from 1 to 8, not "9"',
      }),
    );
  });
});

const help = (section: SectionName): string =>
  command(section)
    .configureOutput({ getOutHelpWidth: () => 400 })
    .helpInformation();

describe('help', () => {
  test('shows default and range', () => {
    expect(help('up')).toMatch(/--pipeline-depth <number> .*\(default 2; from 1 to 8\)/);
    expect(help('up')).toMatch(/--socks <host:port> .*\(default 127\.0\.0\.1:1080\)/);
    expect(help('node')).toMatch(/--deny-ports <port> .*\(may be repeated; default 25; from 1 to 65535\)/);
    expect(help('node')).toMatch(/--drain, --drain-seconds <seconds>/);
  });

  test('names flags as flags', () => {
    expect(help('node')).toContain('Needs --tls-key-file.');
    expect(help('up')).not.toContain('`');
  });

  test('does not list what turns a flag off', () => {
    expect(help('up')).not.toContain('--no-');
  });
});

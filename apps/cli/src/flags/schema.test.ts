import { configSchema } from '@millrace/protocol/config';
import { describe, expect, test } from 'vitest';
import { flagsOf, kebabCase, type SectionName } from './schema.js';

const DEFINITIONS: Record<SectionName, string> = {
  up: 'UpConfig',
  doctor: 'DoctorConfig',
  node: 'NodeConfig',
  relay: 'RelayConfig',
};

const flag = (section: SectionName, key: string) => flagsOf(section).find((found) => found.key === key);

describe('flags of a section', () => {
  test.each(Object.entries(DEFINITIONS))('%s has a flag for every option of the schema', (section, definition) => {
    const { definitions } = configSchema as { definitions: Record<string, { properties: object }> };
    const keys = Object.keys(definitions[definition]?.properties ?? {});
    expect(flagsOf(section as SectionName).map(({ key }) => key)).toEqual(keys);
    expect(keys.length).toBeGreaterThan(0);
  });

  test('a number has default and range of the schema', () => {
    expect(flag('up', 'pipelineDepth')).toMatchObject({
      name: 'pipeline-depth',
      kind: 'integer',
      list: false,
      default: 2,
      minimum: 1,
      maximum: 8,
    });
  });

  test('a count without a maximum of its own shows none', () => {
    expect(flag('node', 'allowPorts')).toMatchObject({ kind: 'integer', list: true });
    expect(flagsOf('node').filter(({ maximum }) => maximum === Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  test('a choice has its values', () => {
    expect(flag('up', 'openReply')).toMatchObject({ kind: 'choice', choices: ['early', 'result'], default: 'result' });
  });

  test('a boolean is a boolean', () => {
    expect(flag('node', 'allowPrivate')).toMatchObject({ name: 'allow-private', kind: 'boolean', default: false });
  });

  test('a list of texts keeps its name', () => {
    expect(flag('up', 'forward')).toMatchObject({ name: 'forward', kind: 'text', list: true });
  });

  test('a list of objects is given one object a flag, the required field first', () => {
    const relay = flag('up', 'relays');
    expect(relay).toMatchObject({ name: 'relay', kind: 'object', list: true });
    expect(relay?.fields?.map(({ name }) => name)).toEqual([
      'url',
      'kind',
      'token',
      'token-file',
      'account',
      'connect-to',
      'tls-name',
      'ca-file',
      'carries',
      'hold-ms',
      'max-request-bytes',
      'max-response-bytes',
    ]);
    expect(relay?.fields?.[1]).toMatchObject({ kind: 'choice', default: 'relay' });
    expect(flag('up', 'accounts')).toMatchObject({
      name: 'account',
      fields: [
        { name: 'name' },
        { name: 'max-concurrent', kind: 'integer', maximum: 1024 },
        { name: 'daily-requests' },
        { name: 'quota-reset' },
        { name: 'quota-margin-percent' },
      ],
    });
  });

  test('no two flags of a command have one name, also where a doctor takes those of up', () => {
    for (const flags of [flagsOf('node'), flagsOf('relay'), [...flagsOf('up'), ...flagsOf('doctor')]]) {
      const names = flags.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('every flag has a text', () => {
    for (const section of ['up', 'doctor', 'node', 'relay'] as const) {
      expect(flagsOf(section).filter(({ text }) => text === '')).toEqual([]);
    }
  });
});

test('names become kebab-case', () => {
  expect(kebabCase('ipv6Target')).toBe('ipv6-target');
  expect(kebabCase('maxClockSkewSeconds')).toBe('max-clock-skew-seconds');
  expect(kebabCase('socks')).toBe('socks');
});

import { describe, expect, test } from 'vitest';
import { parseAddress } from './address.js';
import { parseHost } from './host.js';
import type { OwnAddresses } from './own-addresses.js';
import { EgressPolicy, type PolicyRules } from './policy.js';

const own: OwnAddresses = {
  isOwn: (reading) => ['198.41.0.4', '2606:4700::53', '192.168.7.7'].includes(reading),
  isListening: (port) => port === 8700 || port === 8701,
};

const policy = (rules: Partial<PolicyRules> = {}): EgressPolicy =>
  new EgressPolicy(
    { allowPrivate: false, allowPorts: [], denyPorts: [], allowNames: [], denyNames: [], ...rules },
    own,
  );

const allowsAddress = (rules: Partial<PolicyRules>, address: string, port = 80): boolean => {
  try {
    policy(rules).checkAddress(parseAddress(address)!, port);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ name: 'NodeError', code: 'POLICY_DENIED' });
    return false;
  }
};

const allowsTarget = (rules: Partial<PolicyRules>, host: string, port = 80): boolean => {
  try {
    policy(rules).checkTarget(parseHost(host), port);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'POLICY_DENIED' });
    return false;
  }
};

describe('addresses', () => {
  const privates = [
    '127.0.0.1',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.1.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '64:ff9b::10.0.0.1',
    '2002:a00:1::1',
  ];
  const nevers = [
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::169.254.169.254',
    'fd00:ec2::254',
  ];

  test('by default only public ones', () => {
    expect(privates.filter((address) => allowsAddress({}, address))).toEqual([]);
    expect(nevers.filter((address) => allowsAddress({}, address))).toEqual([]);
    expect(allowsAddress({}, '8.8.8.8')).toBe(true);
    expect(allowsAddress({}, '2606:4700::1111')).toBe(true);
  });

  test('with allowPrivate private ones too, metadata and the rest still not', () => {
    expect(privates.every((address) => allowsAddress({ allowPrivate: true }, address))).toBe(true);
    expect(nevers.filter((address) => allowsAddress({ allowPrivate: true }, address))).toEqual([]);
  });

  test('its own public addresses are denied whole', () => {
    expect(allowsAddress({}, '198.41.0.4', 443)).toBe(false);
    expect(allowsAddress({}, '2606:4700::53', 443)).toBe(false);
    expect(allowsAddress({}, '64:ff9b::198.41.0.4', 443)).toBe(false);
    expect(allowsAddress({}, '2002:c629:4::1', 443)).toBe(false);
  });

  test('with allowPrivate its own listeners are denied, on every address that leads to them, and nothing else of its own', () => {
    const rules = { allowPrivate: true };
    for (const address of [
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '::ffff:127.0.0.1',
      '198.41.0.4',
      '192.168.7.7',
      '64:ff9b::198.41.0.4',
      '2606:4700::53',
    ]) {
      expect(allowsAddress(rules, address, 8700)).toBe(false);
      expect(allowsAddress(rules, address, 8701)).toBe(false);
      expect(allowsAddress(rules, address, 8702)).toBe(true);
    }
    expect(allowsAddress(rules, '192.168.7.8', 8700)).toBe(true);
  });
});

describe('ports', () => {
  test('a deny list denies, an allow list denies all others, and deny wins', () => {
    expect(allowsTarget({ denyPorts: [25] }, 'example.org', 25)).toBe(false);
    expect(allowsTarget({ denyPorts: [25] }, 'example.org', 26)).toBe(true);
    expect(allowsTarget({ allowPorts: [80, 443] }, 'example.org', 443)).toBe(true);
    expect(allowsTarget({ allowPorts: [80, 443] }, 'example.org', 22)).toBe(false);
    expect(allowsTarget({ allowPorts: [80], denyPorts: [80] }, 'example.org', 80)).toBe(false);
  });
});

describe('names', () => {
  test.each([
    ['example.org', 'example.org', true],
    ['example.org', 'EXAMPLE.ORG.', true],
    ['Example.Org.', 'example.org', true],
    ['example.org', 'www.example.org', false],
    ['.example.org', 'www.example.org', true],
    ['.example.org', 'a.b.example.org.', true],
    ['.example.org', 'example.org', true],
    ['.example.org', 'badexample.org', false],
    ['b\u00fccher.example', 'xn--bcher-kva.example', true],
    ['xn--bcher-kva.example', 'B\u00dcCHER.example', true],
    ['8.8.8.8', '8.8.8.8', true],
    ['8.8.8.8', '0x08080808', true],
    ['127.1', '127.0.0.1', true],
  ])('the rule %s and the name %s: %s', (rule, name, matches) => {
    expect(allowsTarget({ denyNames: [rule] }, name)).toBe(!matches);
    expect(allowsTarget({ allowNames: [rule] }, name)).toBe(matches);
  });

  test('an allow list of names denies addresses that are not on it', () => {
    expect(allowsTarget({ allowNames: ['example.org'] }, '8.8.8.8')).toBe(false);
  });

  test('a rule that is no name is refused, with its option', () => {
    expect(() => policy({ denyNames: ['a b'] })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('denyNames') }),
    );
  });

  test('a rule with a star is refused, with what to write instead', () => {
    expect(() => policy({ allowNames: ['*.example.org'] })).toThrow('.example.org with everything below it');
  });
});

import { describe, expect, test } from 'vitest';

import { formatHostPort, parseHostPort } from './index.js';

describe('parseHostPort', () => {
  test.each([
    ['example.org:80', 'example.org', 80],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:80', '::1', 80],
    ['[2001:db8::1]:65535', '2001:db8::1', 65_535],
    ['[fe80::1%eth0]:53', 'fe80::1%eth0', 53],
    ['[::ffff:192.0.2.1]:1', '::ffff:192.0.2.1', 1],
    ['localhost:00080', 'localhost', 80],
    ['bücher.example:443', 'bücher.example', 443],
  ])('takes %s apart', (text, host, port) => {
    expect(parseHostPort(text)).toEqual({ host, port });
  });

  test.each([
    ['', 'has no port'],
    ['example.org', 'has no port'],
    ['8080', 'has no port'],
    [':80', 'has no host name'],
    ['example.org:', 'needs a port from 0 to 65535'],
    ['example.org:65536', 'needs a port from 0 to 65535'],
    ['example.org:-1', 'needs a port from 0 to 65535'],
    ['example.org:8e1', 'needs a port from 0 to 65535'],
    ['example.org: 80', 'needs a port from 0 to 65535'],
    ['::1:80', 'has an IPv6 address without brackets'],
    ['[]:80', 'has no IPv6 address between the brackets'],
    ['[example.org]:80', 'has no IPv6 address between the brackets'],
    ['[::1]80', 'needs a port from 0 to 65535'],
    ['a b:80', 'has no host name'],
    ['http://a:80', 'has no host name'],
    ['user@host:80', 'has no host name'],
    [`${'a'.repeat(256)}:80`, 'has a host name of more than 255 characters'],
  ])('refuses %s', (text, why) => {
    expect(() => parseHostPort(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(() => parseHostPort(text)).toThrow(`address: ${JSON.stringify(text)} ${why}`);
  });

  test('a port alone takes the default host', () => {
    expect(parseHostPort('8080', { defaultHost: '127.0.0.1' })).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(() => parseHostPort('80800', { defaultHost: '127.0.0.1', name: 'up.socks' })).toThrow(
      /^up\.socks: "80800" needs a port/,
    );
  });

  test('a target has a port', () => {
    expect(() => parseHostPort('example.org:0', { minPort: 1 })).toThrow('needs a port from 1 to 65535');
  });
});

test('formatHostPort is the inverse', () => {
  for (const text of ['example.org:80', '[::1]:443', '127.0.0.1:0']) {
    const { host, port } = parseHostPort(text);
    expect(formatHostPort(host, port)).toBe(text);
  }
});

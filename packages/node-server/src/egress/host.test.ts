import { expect, test } from 'vitest';
import { parseHost } from './host.js';

test.each([
  ['example.org', 'example.org'],
  ['EXAMPLE.Org', 'example.org'],
  ['example.org.', 'example.org'],
  ['b\u00fccher.example', 'xn--bcher-kva.example'],
  ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
  ['_dmarc.example.org', '_dmarc.example.org'],
  ['localhost', 'localhost'],
  ['\u24dbocalhost', 'localhost'],
  ['1.example', '1.example'],
])('%s is the name %s', (text, name) => {
  expect(parseHost(text)).toEqual({ name });
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['127.0.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['0X7F.1', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0177.0.0.1', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['0x7f.0x0.0x0.0x1', '127.0.0.1'],
  ['\uff11\uff12\uff17.\uff10.\uff10.\uff11', '127.0.0.1'],
  ['127\u30020\u30020\u30021', '127.0.0.1'],
  ['3232235521', '192.168.0.1'],
  ['0', '0.0.0.0'],
  ['[::1]', '::1'],
  ['::FFFF:127.0.0.1', '127.0.0.1'],
])('%s is the address %s', (text, address) => {
  expect(parseHost(text)).toMatchObject({ address: { text: address } });
});

test.each([
  '',
  '.',
  '..',
  'a..b',
  '.example.org',
  'example.org..',
  'a b',
  'a/b',
  'a\\b',
  'a?b',
  'a#b',
  'a\tb',
  'a\nb',
  'a\0b',
  '[a',
  'a]',
  'a:80',
  'a%00b',
  'example%2eorg',
  '256.256.256.256',
  '1.2.3.4.5',
  '0x7g.1',
  '4294967296',
  'user@example.org',
  `${'a'.repeat(64)}.org`,
  `${'a.'.repeat(130)}org`,
  'xn--',
])('%j is neither a name nor an address', (text) => {
  expect(() => parseHost(text)).toThrow(expect.objectContaining({ code: 'DIAL_NAME_NOT_FOUND' }));
});

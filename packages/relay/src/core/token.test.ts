import { expect, test } from 'vitest';
import { sameToken } from './token.js';

test.each([
  ['secret-token', 'secret-token', true],
  ['secret-toker', 'secret-token', false],
  ['Secret-token', 'secret-token', false],
  ['secret-toke', 'secret-token', false],
  ['secret-token\0', 'secret-token', false],
  ['secret-tokensecret-token', 'secret-token', false],
  ['', 'secret-token', false],
  [null, 'secret-token', false],
  [undefined, 'secret-token', false],
  ['\0', '\0\0', false],
  ['', '', false],
  ['ключ🔑', 'ключ🔑', true],
])('%j for %j is %s', (given, expected, same) => {
  expect(sameToken(given, expected)).toBe(same);
});

test('each single changed character is seen', () => {
  const token = 'abcdefghijklmnopqrstuvwxyz';
  for (let i = 0; i < token.length; i += 1) {
    expect(sameToken(`${token.slice(0, i)}!${token.slice(i + 1)}`, token)).toBe(false);
  }
});

import { expect, test } from 'vitest';
import { nearest } from './nearest.js';

test('the candidate with the fewest changes', () => {
  expect(nearest('knd', ['kind', 'token', 'account'])).toBe('kind');
  expect(nearest('tokn-file', ['token', 'token-file'])).toBe('token-file');
});

test('none where nothing is close', () => {
  expect(nearest('zzzzzz', ['kind', 'token'])).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});

import { expect, test } from 'vitest';
import { wrongLevel } from './wrong-level.js';

const none = { json: 0, bytes: 0, text: 0, other: 0 };

test.each([
  [1, 'text', { ...none, json: 5 }],
  [2, 'bytes', { ...none, bytes: 5, other: 2 }],
  [2, 'text', { ...none, text: 5 }],
] as const)('level %i as %s is what it says', (level, encoding, answers) => {
  expect(wrongLevel(answers, level, encoding)).toEqual([]);
});

test.each([
  ['level 1 in the place of level 2', 2, 'bytes', { ...none, json: 5 }],
  ['text in the place of bytes', 2, 'bytes', { ...none, bytes: 1, text: 5 }],
  ['level 2 in the place of level 1', 1, 'text', { ...none, text: 5 }],
  ['nothing at all', 2, 'bytes', none],
] as const)('%s is a problem', (_name, level, encoding, answers) => {
  expect(wrongLevel(answers, level, encoding).join()).toMatch(/the wire is not level \d as (text|bytes): answers were/);
});

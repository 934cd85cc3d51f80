import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonErrorPlace } from './json-place.js';

test.each([
  ['', 1, 1],
  ['{"a":1,}', 1, 8],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ['{\n  // why\n}', 2, 3],
  ["{'a':1}", 1, 2],
  ['[1, 2', 1, 6],
  ['{} x', 1, 4],
  ['{"a": tru}', 1, 7],
  ['"tab\there"', 1, 1],
  ['{1:2}', 1, 2],
])('%j stops being JSON at %i:%i', (text, line, column) => {
  expect(jsonErrorPlace(text)).toEqual({ line, column });
});

test('a text nested too deep has a place and does not overflow the stack', () => {
  expect(jsonErrorPlace('['.repeat(1_000_000))).toEqual({ line: 1, column: 66 });
});

test('agrees with the runtime on what is JSON', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 5 }),
      fc.nat(),
      fc.constantFrom('', ',', '}', '"', 'x', '\\', '1', ' '),
      (json, at, piece) => {
        const mutated = json.slice(0, at % (json.length + 1)) + piece + json.slice((at % (json.length + 1)) + (at % 2));
        expect(jsonErrorPlace(json)).toBeUndefined();
        expect(jsonErrorPlace(mutated) === undefined).toBe(isJson(mutated));
      },
    ),
    { numRuns: 2000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

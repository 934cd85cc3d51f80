import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatState, parseState, type KeptState } from './kept-state.js';

const probes = { since: 1_000, refusedAt: 2_000, gapMs: 600_000, nextAt: 602_000 };
const state: KeptState = {
  accounts: new Map([
    [
      'mine',
      {
        reset: '00:00 America/Los_Angeles',
        counts: [
          [1_000, 3],
          [2_000, 4],
        ],
        offsetMs: -500,
        probes,
      },
    ],
    ['__proto__', { reset: 'rolling', counts: [], offsetMs: 0 }],
  ]),
  relays: new Map([
    ['https://relay.example/', { holdMs: 12_000, level: 2 }],
    ['https://other.example/', {}],
  ]),
};

const parsed = (value: unknown): KeptState => parseState(JSON.stringify(value));

describe('the text of what is kept', () => {
  test('is read as it was written', () => {
    expect(parseState(formatState(state))).toEqual(state);
    expect(JSON.parse(formatState(state))).toMatchObject({ version: 1 });
  });

  test('may have fields that are not known, and lack sections', () => {
    const { accounts, relays } = parsed({
      version: 1,
      later: [],
      accounts: {
        mine: { reset: 'rolling', counts: [[1, 2, 3]], offsetMs: 0, colour: 'red', probes: { ...probes, x: 1 } },
      },
    });
    expect(accounts.get('mine')).toEqual({ reset: 'rolling', counts: [[1, 2]], offsetMs: 0, probes });
    expect(relays.size).toBe(0);
  });

  test.each(['', 'null', '[]', '"text"', '{', '{}', '{"version":2}', '{"version":"1"}', '\u0000\u0001'])(
    '%j is none',
    (text) => {
      expect(() => parseState(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  test('too long a text is none', () => {
    expect(() => parseState(`{"version":1}${' '.repeat(5_000_000)}`)).toThrow('more than');
  });

  test('an entry that is not what it should be is left out, and the others stay', () => {
    const good = { reset: 'rolling', counts: [[1_000, 1]], offsetMs: 0 };
    const bad: Record<string, unknown> = {
      none: null,
      list: [],
      reset: { ...good, reset: 1 },
      counts: { ...good, counts: {} },
      many: { ...good, counts: Array.from({ length: 1_000 }, () => [0, 1]) },
      pair: { ...good, counts: [1] },
      fraction: { ...good, counts: [[0, 1.5]] },
      negative: { ...good, counts: [[0, -1]] },
      early: { ...good, counts: [[-1, 1]] },
      late: { ...good, counts: [[1e15, 1]] },
      offset: { ...good, offsetMs: 1e9 },
      text: { ...good, offsetMs: '0' },
    };
    const { accounts } = parsed({ version: 1, accounts: { ...bad, good } });
    expect([...accounts.keys()]).toEqual(['good']);
  });

  test('what was asked is left out where it is not what it should be', () => {
    for (const wrong of [{ since: -1 }, { refusedAt: '1' }, { gapMs: 1e12 }, { nextAt: null }]) {
      const entry = { reset: 'rolling', counts: [], offsetMs: 0, probes: { ...probes, ...wrong } };
      expect(parsed({ version: 1, accounts: { mine: entry } }).accounts.get('mine')).toEqual({
        reset: 'rolling',
        counts: [],
        offsetMs: 0,
      });
    }
  });

  test('of relays only what makes sense is taken', () => {
    const { relays } = parsed({
      version: 1,
      relays: { a: { holdMs: -1, level: 3 }, b: { holdMs: 5, level: '2' }, c: { level: 1 }, d: 5 },
    });
    expect(relays).toEqual(
      new Map([
        ['a', {}],
        ['b', { holdMs: 5 }],
        ['c', { level: 1 }],
      ]),
    );
  });

  test('no more entries are taken than are kept', () => {
    const relays = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`relay ${index}`, { level: 2 }]));
    expect(parsed({ version: 1, relays }).relays.size).toBe(1_024);
  });

  test('whatever the text is, it is read or refused', () => {
    const value = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((accounts) => JSON.stringify({ version: 1, accounts: { mine: accounts }, relays: accounts })),
    );
    fc.assert(
      fc.property(value, (text) => {
        try {
          const read = parseState(text);
          expect(parseState(formatState(read))).toEqual(read);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TunnelError', code: 'CONFIG_INVALID' });
        }
      }),
      { numRuns: 500 },
    );
  });
});

import { expect, test } from 'vitest';
import { startWithKnown } from './known-options.js';

/** A tree that knows some keys only, and says so as the configuration of the product does. */
function treeKnowing(keys: string[]) {
  return async (options: { relays: Array<Record<string, unknown>> }): Promise<string> => {
    for (const [place, value] of [
      ['', options] as const,
      ...options.relays.map((r, i) => [`relays[${i}].`, r] as const),
    ]) {
      const foreign = Object.keys(value).find((key) => !keys.includes(key));
      if (foreign !== undefined)
        throw Object.assign(new Error(`${place}${foreign} is not known; did you mean key?`), {
          code: 'CONFIG_UNKNOWN_KEY',
        });
    }
    return JSON.stringify(options);
  };
}

test('options that a tree does not know are left out and named', async () => {
  const options = {
    level: '2',
    relays: [
      { url: 'a', carries: 'bytes' },
      { url: 'b', carries: 'text' },
    ],
  };
  const { started, unknown } = await startWithKnown(options, treeKnowing(['relays', 'url']));
  expect(unknown).toEqual(['level', 'relays[0].carries', 'relays[1].carries']);
  expect(JSON.parse(started)).toEqual({ relays: [{ url: 'a' }, { url: 'b' }] });
  expect(options.level).toBe('2');
});

test('any other failure is told as it is', async () => {
  const failing = () => Promise.reject(Object.assign(new Error('level is not allowed'), { code: 'CONFIG_INVALID' }));
  await expect(startWithKnown({ level: '2' }, failing)).rejects.toThrow('level is not allowed');
});

import { describe, expect, test } from 'vitest';
import { testIo } from '../test/support/test-io.js';
import { Closers, serve } from './serve.js';

describe('serve', () => {
  test('the first signal stops cleanly', async () => {
    const test = testIo();
    const steps: string[] = [];
    const code = serve(test.io, async () => {
      steps.push('started');
      return { stop: async () => void steps.push('stopped') };
    });
    test.signal('SIGTERM');
    expect(await code).toBe(0);
    expect(steps).toEqual(['started', 'stopped']);
    expect(test.signalListeners()).toBe(0);
  });

  const neverStops = async () => ({ stop: () => new Promise<never>(() => {}) });

  test.each([
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
  ] as const)(
    'after %s a second one, %s, ends at once with %i while the stop goes on',
    async (one, other, expected) => {
      const test = testIo();
      const code = serve(test.io, neverStops);
      test.signal(one);
      test.signal(other);
      expect(await code).toBe(expected);
    },
  );

  test('the same one again is a second one, unless it comes so soon that it is an echo', async () => {
    const test = testIo();
    let time = 0;
    let ended = false;
    const code = serve(test.io, neverStops, () => time).finally(() => (ended = true));
    test.signal('SIGINT');
    time = 199;
    test.signal('SIGINT');
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    time = 200;
    test.signal('SIGINT');
    expect(await code).toBe(130);
  });

  test('a signal during the start stops after it', async () => {
    const test = testIo();
    let started: (() => void) | undefined;
    let stopped = false;
    const code = serve(test.io, async () => {
      await new Promise<void>((resolve) => (started = resolve));
      return { stop: async () => void (stopped = true) };
    });
    test.signal('SIGINT');
    started?.();
    expect(await code).toBe(0);
    expect(stopped).toBe(true);
  });

  test('a start that fails fails the command and listens no longer', async () => {
    const test = testIo();
    await expect(serve(test.io, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(test.signalListeners()).toBe(0);
  });
});

describe('closers', () => {
  test('close last opened first, all of them, and tell the first error', async () => {
    const closed: number[] = [];
    const closers = new Closers();
    closers.add(async () => void closed.push(1));
    closers.add(() => Promise.reject(new Error('second')));
    closers.add(async () => void closed.push(3));
    await expect(closers.close()).rejects.toThrow('second');
    expect(closed).toEqual([3, 1]);
    await closers.close();
    expect(closed).toEqual([3, 1]);
  });
});

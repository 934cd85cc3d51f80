import { expect, test } from 'vitest';
import { AbortFlag } from './abort-flag.js';

test('listeners hear of an abort once, in order, and of its reason', () => {
  const flag = new AbortFlag();
  const heard: unknown[] = [];
  const first = (): void => void heard.push('first', flag.reason);
  flag.addEventListener('abort', first);
  flag.addEventListener('abort', first);
  flag.addEventListener('abort', () => void heard.push('second'));
  expect([flag.aborted, flag.reason]).toEqual([false, undefined]);
  flag.abort('why');
  flag.abort('again');
  expect(heard).toEqual(['first', 'why', 'second']);
  expect([flag.aborted, flag.reason]).toEqual([true, 'why']);
});

test('who was removed, or comes late, is not called', () => {
  const flag = new AbortFlag();
  let calls = 0;
  const listener = (): void => void calls++;
  flag.addEventListener('abort', listener);
  flag.removeEventListener('abort', listener);
  flag.removeEventListener('abort', listener);
  flag.abort();
  flag.addEventListener('abort', listener);
  expect(calls).toBe(0);
});

test('it stands where the signal of a controller does', () => {
  const stopped: string[] = [];
  const stopWith = (signal: Pick<AbortFlag, 'aborted' | 'addEventListener'>, name: string): void =>
    signal.addEventListener('abort', () => void stopped.push(name));
  const flag = new AbortFlag();
  const controller = new AbortController();
  stopWith(flag, 'flag');
  stopWith(controller.signal, 'controller');
  flag.abort();
  controller.abort();
  expect(stopped).toEqual(['flag', 'controller']);
});

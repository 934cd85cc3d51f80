import { expect, test } from 'vitest';
import { Arrivals } from './arrivals.js';
import { findProgram } from './find-program.js';
import { createGate } from './gate.js';

test('a gate holds until it is opened, and stays open', async () => {
  const gate = createGate();
  const order: string[] = [];
  const waiting = gate.opened.then(() => order.push('through'));
  order.push('before');
  gate.open();
  gate.open();
  await waiting;
  await gate.opened;
  expect(order).toEqual(['before', 'through']);
});

test('arrivals are found whether one asks before or after they came', async () => {
  const arrivals = new Arrivals<string>('thing');
  const second = arrivals.at(1);
  arrivals.push('a');
  arrivals.push('b');
  expect(await second).toBe('b');
  expect(await arrivals.at(0)).toBe('a');
  expect([await arrivals.next(), await arrivals.next()]).toEqual(['a', 'b']);
  const never = arrivals.next();
  arrivals.end();
  await expect(never).rejects.toThrow('thing 2 never came: there were 2');
  await expect(arrivals.at(5)).rejects.toThrow('thing 5 never came');
  expect(arrivals.all).toEqual(['a', 'b']);
});

test('a program is found by name, a missing one with the line that installs it', () => {
  expect(findProgram('sh').path).toMatch(/\/sh$/);
  expect(findProgram('no-such-program-here')).toEqual({ missing: 'apt-get install -y no-such-program-here' });
});

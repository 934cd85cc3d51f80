import { expect, test } from 'vitest';
import { scenarios } from './index.js';

const sizes = (quick: boolean) => ({ quick, soakSeconds: 3, shaped: false });

test('names are different, and so are the sets of parameters of a scenario', () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  for (const scenario of scenarios) {
    for (const quick of [true, false]) {
      const texts = scenario.variants(sizes(quick)).map((params) => JSON.stringify(params));
      expect(texts.length, scenario.name).toBeGreaterThan(0);
      expect(new Set(texts).size, scenario.name).toBe(texts.length);
    }
  }
});

test('every row of the tables of relays and UDP sessions has a target beside its code', () => {
  const withTarget = scenarios
    .filter((scenario) => scenario.variants(sizes(false)).some((params) => scenario.target?.(params)))
    .map(({ name }) => name);
  expect(withTarget).toEqual([
    'relay-download',
    'relay-upload',
    'relay-latency',
    'relay-link',
    'relay-far',
    'relay-lossy',
    'relay-unequal',
    'relay-parallel',
    'relay-page',
    'relay-dead-hosts',
    'relay-idle',
    'relay-cost',
    'latency-under-load',
    'udp-loss',
    'udp-tail',
    'udp-fair',
    'udp-pipeline',
    'udp-batch',
    'udp-seal',
    'udp-fec',
  ]);
});

test('a scenario with fewer runs says why', () => {
  for (const scenario of scenarios) {
    for (const params of scenario.variants(sizes(false))) {
      const fewer = scenario.fewerRuns?.(params);
      if (fewer) expect(fewer.why, scenario.name).toMatch(/\w+ \w+/);
    }
  }
});

test('a warm-up with less has the same parameters otherwise, all of them whole numbers', () => {
  const shorter = scenarios.filter((scenario) => scenario.warmUp);
  expect(shorter.length).toBeGreaterThan(0);
  for (const scenario of shorter) {
    for (const params of scenario.variants(sizes(false))) {
      const warmUp = scenario.warmUp?.(params) ?? {};
      expect(Object.keys(warmUp), scenario.name).toEqual(Object.keys(params));
      for (const [name, value] of Object.entries(warmUp)) {
        if (typeof value === 'number' && value !== params[name]) expect(Number.isInteger(value), name).toBe(true);
      }
    }
  }
});

test('links of a scenario are simulated relays', () => {
  for (const scenario of scenarios) {
    if (scenario.kind !== 'tunnel') continue;
    const [params] = scenario.variants(sizes(false));
    expect(scenario.setUp(params!).simulators !== undefined, scenario.name).toBe(scenario.ownLink === true);
  }
});

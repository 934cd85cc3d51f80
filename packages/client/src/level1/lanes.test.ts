import { describe, expect, test } from 'vitest';
import { isPolls, Places, type Lane } from './lanes.js';

const LANES: readonly Lane[] = ['open', 'bulk', 'light', 'fetch', 'poll', 'ahead', 'idle'];

/** Takes as many places as there are. */
function fill(places: Places, lane: Lane): number {
  let count = 0;
  for (; count < 1_000 && places.has(lane); count += 1) places.take(lane);
  return count;
}

describe('places', () => {
  test.each([1, 2, 3, 8, 30, 240])(
    'of %i, all polls together leave some to opens and bytes, and each kind has its part',
    (capacity) => {
      const places = new Places(capacity);
      const taken = LANES.filter(isPolls).map((lane) => fill(places, lane));
      const sum = taken.reduce((total, count) => total + count, 0);
      expect(sum).toBeGreaterThanOrEqual(1);
      expect(sum).toBeLessThanOrEqual(Math.max(1, capacity - Math.max(1, Math.floor(capacity / 8))));
      for (const lane of LANES) expect(places.has(lane)).toBe(!isPolls(lane));
    },
  );

  test('a place that is left can be taken again', () => {
    const places = new Places(30);
    expect(fill(places, 'idle')).toBe(7);
    places.leave('idle');
    expect(fill(places, 'idle')).toBe(1);
  });

  test('idle polls are company for each other only', () => {
    const places = new Places(30);
    places.take('idle');
    expect([places.busy('light'), places.busy('idle')]).toEqual([false, true]);
    places.take('light');
    expect(places.busy('light')).toBe(true);
  });
});

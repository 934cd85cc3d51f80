import { expect, test } from 'vitest';

import { EventHub } from './event-hub.js';

test('events reach every listener in the order they were given', () => {
  const hub = new EventHub();
  const seen: string[] = [];
  hub.subscribe(({ event }) => seen.push(`a ${event}`));
  hub.subscribe(({ event }) => seen.push(`b ${event}`));
  hub.emit({ event: 'ready' });
  hub.emit({ event: 'refused', code: 'RELAY_AUTH' });
  expect(seen).toEqual(['a ready', 'b ready', 'a refused', 'b refused']);
});

test('a listener that throws disturbs neither the others nor the emitter', () => {
  const hub = new EventHub<{ event: string }>();
  const seen: string[] = [];
  hub.subscribe(() => {
    throw new Error('broken listener');
  });
  hub.subscribe(({ event }) => seen.push(event));
  hub.emit({ event: 'x' });
  expect(seen).toEqual(['x']);
});

test('a subscription ends on its own, also while an event is handed out', () => {
  const hub = new EventHub<{ event: string }>();
  const seen: string[] = [];
  const listener = ({ event }: { event: string }): void => void seen.push(event);
  const first = hub.subscribe(listener);
  const second = hub.subscribe((event) => {
    listener(event);
    second();
  });
  hub.emit({ event: '1' });
  hub.emit({ event: '2' });
  first();
  first();
  hub.emit({ event: '3' });
  expect(seen).toEqual(['1', '1', '2']);
});

test('without a listener nothing happens', () => {
  expect(() => new EventHub().emit({ event: 'ready' })).not.toThrow();
});

import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import type { StateStore } from '../tunnel/types.js';
import { formatState, parseState, type KeptRelay, type KeptState } from './kept-state.js';
import { StateKeeper, type Later } from './state-keeper.js';

/** A store in memory, of which every call can be made to wait or to fail. */
class MemoryStore implements StateStore {
  text: string | undefined;
  readonly saved: string[] = [];
  calls = 0;
  overlapped = false;
  onLoad: () => Promise<void> = async () => {};
  onSave: () => Promise<void> = async () => {};

  constructor(text?: string) {
    this.text = text;
  }

  load(): Promise<string | undefined> {
    return this.#alone(async () => {
      await this.onLoad();
      return this.text;
    });
  }

  save(text: string): Promise<void> {
    return this.#alone(async () => {
      await this.onSave();
      this.text = text;
      this.saved.push(text);
    });
  }

  async #alone<T>(run: () => Promise<T>): Promise<T> {
    this.calls += 1;
    if (this.calls > 1) this.overlapped = true;
    try {
      return await run();
    } finally {
      this.calls -= 1;
    }
  }
}

/** Timers that are let go by hand. */
function timers() {
  const waiting = new Set<{ run: () => void; ms: number }>();
  const later: Later = (run, ms) => {
    const timer = { run, ms };
    waiting.add(timer);
    return () => waiting.delete(timer);
  };
  const fire = async (): Promise<void> => {
    for (const timer of waiting) {
      waiting.delete(timer);
      timer.run();
    }
    await settle();
  };
  return { later, fire, waiting };
}

/** What is under way goes on as far as it can. */
async function settle(): Promise<void> {
  for (let index = 0; index < 50; index += 1) await Promise.resolve();
}

function setup(store = new MemoryStore()) {
  const events: MillraceEvent[] = [];
  const hub = new EventHub<MillraceEvent>();
  hub.subscribe((event) => events.push(event));
  const { later, fire, waiting } = timers();
  const keeper = new StateKeeper({ store, events: hub, later });
  const relays = new Map<string, KeptRelay>();
  const restored: KeptState['relays'][] = [];
  keeper.add({ name: 'relays', restore: (kept) => restored.push(kept), collect: () => relays });
  return { store, events, keeper, fire, waiting, relays, restored };
}

const text = (relays: Record<string, KeptRelay>): string =>
  formatState({ accounts: new Map(), relays: new Map(Object.entries(relays)) });

describe('state keeper', () => {
  test('hands its parts what was kept, once', async () => {
    const { keeper, restored } = setup(new MemoryStore(text({ a: { level: 2 } })));
    await Promise.all([keeper.start(), keeper.start()]);
    expect(restored).toEqual([new Map([['a', { level: 2 }]])]);
  });

  test('with nothing kept there is nothing to hand on or to tell', async () => {
    const { keeper, restored, events } = setup();
    await keeper.start();
    expect(restored).toEqual([]);
    expect(events).toEqual([]);
  });

  test('saves once some seconds after a change, however many there are', async () => {
    const { keeper, fire, waiting, store, relays } = setup();
    await keeper.start();
    for (let index = 0; index < 100; index += 1) {
      relays.set('a', { holdMs: index });
      keeper.changed();
    }
    expect([...waiting].map(({ ms }) => ms)).toEqual([5_000]);
    expect(store.saved).toEqual([]);
    await fire();
    expect(store.saved).toEqual([text({ a: { holdMs: 99 } })]);
    await fire();
    expect(store.saved).toHaveLength(1);
    keeper.changed();
    await fire();
    expect(store.saved).toHaveLength(2);
  });

  test('saves what changed while it saved, and calls never overlap', async () => {
    const { keeper, fire, store, relays } = setup();
    await keeper.start();
    let goOn = (): void => {};
    store.onSave = () => new Promise((resolve) => (goOn = resolve));
    relays.set('a', { level: 1 });
    keeper.changed();
    await fire();
    relays.set('a', { level: 2 });
    keeper.changed();
    await fire();
    store.onSave = async () => {};
    goOn();
    await settle();
    expect(store.saved).toEqual([text({ a: { level: 1 } }), text({ a: { level: 2 } })]);
    expect(store.overlapped).toBe(false);
  });

  test('nothing is saved before it was loaded', async () => {
    const { keeper, fire, store, relays, restored } = setup(new MemoryStore(text({ old: { level: 2 } })));
    let goOn = (): void => {};
    store.onLoad = () => new Promise((resolve) => (goOn = resolve));
    const started = keeper.start();
    relays.set('a', { level: 1 });
    keeper.changed();
    await fire();
    expect(store.saved).toEqual([]);
    goOn();
    await started;
    await settle();
    expect(restored).toHaveLength(1);
    // What others have kept stays.
    expect(store.saved).toEqual([text({ old: { level: 2 }, a: { level: 1 } })]);
    expect(store.overlapped).toBe(false);
  });

  test.each([
    ['garbage', async () => {}, 'not json', 'it is not JSON'],
    ['of another version', async () => {}, '{"version":7}', 'it has version 7, and this release reads 1'],
    ['a file that cannot be read', () => Promise.reject(new Error('no permission')), '', 'no permission'],
  ])('%s is told and begun anew', async (_, onLoad, kept, message) => {
    const { keeper, fire, store, relays, restored, events } = setup(new MemoryStore(kept));
    store.onLoad = onLoad;
    await keeper.start();
    expect(restored).toEqual([]);
    expect(events).toEqual([{ event: 'state-failed', phase: 'load', message }]);
    relays.set('a', { level: 1 });
    keeper.changed();
    await fire();
    expect(parseState(store.text!).relays).toEqual(relays);
  });

  test('a text that cannot be read is set aside before it is replaced, and it is told where', async () => {
    const store = Object.assign(new MemoryStore('not json'), { setAside: async () => 'it is there now' });
    const { keeper, events } = setup(store);
    await keeper.start();
    store.setAside = () => Promise.reject(new Error('no permission'));
    const other = setup(store);
    await other.keeper.start();
    expect([...events, ...other.events]).toEqual([
      { event: 'state-failed', phase: 'load', message: 'it is not JSON; it is there now' },
      { event: 'state-failed', phase: 'load', message: 'it is not JSON; no permission' },
    ]);
  });

  test('a text that was never there to be read is not set aside', async () => {
    let asked = 0;
    const store = Object.assign(new MemoryStore(), { setAside: async () => String((asked += 1)) });
    store.onLoad = () => Promise.reject(new Error('no permission'));
    const { keeper, events } = setup(store);
    await keeper.start();
    expect(events).toEqual([{ event: 'state-failed', phase: 'load', message: 'no permission' }]);
    expect(asked).toBe(0);
  });

  test('what cannot be saved is told once, and tried again until it can', async () => {
    const { keeper, fire, store, relays, events, waiting } = setup();
    await keeper.start();
    store.onSave = () => Promise.reject(new Error('no space'));
    relays.set('a', { level: 1 });
    keeper.changed();
    await fire();
    await fire();
    expect(events).toEqual([{ event: 'state-failed', phase: 'save', message: 'no space' }]);
    expect(waiting.size).toBe(1);
    store.onSave = async () => {};
    await fire();
    expect(store.saved).toEqual([text({ a: { level: 1 } })]);
    expect(waiting.size).toBe(0);
    store.onSave = () => Promise.reject(new Error('no space again'));
    keeper.changed();
    await fire();
    expect(events).toHaveLength(2);
  });

  test('closing saves what is not saved yet, and leaves no timer', async () => {
    const { keeper, store, relays, waiting } = setup();
    await keeper.start();
    relays.set('a', { level: 1 });
    keeper.changed();
    await Promise.all([keeper.close(), keeper.close()]);
    expect(store.saved).toEqual([text({ a: { level: 1 } })]);
    expect(waiting.size).toBe(0);
    keeper.changed();
    expect(waiting.size).toBe(0);
  });

  test('closing without a change saves nothing', async () => {
    const { keeper, store } = setup();
    await keeper.start();
    await keeper.close();
    expect(store.saved).toEqual([]);
  });

  test('closing waits for a store that hangs for a short time only', async () => {
    for (const hangs of ['onLoad', 'onSave'] as const) {
      const { keeper, store, relays, fire, waiting } = setup();
      store[hangs] = () => new Promise(() => {});
      void keeper.start();
      relays.set('a', { level: 1 });
      keeper.changed();
      const closing = keeper.close();
      await settle();
      expect([...waiting].map(({ ms }) => ms)).toEqual([1_000]);
      await fire();
      await closing;
      expect(store.saved).toEqual([]);
    }
  });

  test('entries of relays that are gone stay up to a bound; those in use always', async () => {
    const old = Object.fromEntries(Array.from({ length: 1_024 }, (_, index) => [`old ${index}`, { level: 1 }]));
    const { keeper, fire, store, relays } = setup(new MemoryStore(text(old)));
    await keeper.start();
    relays.set('old 0', { level: 2 });
    relays.set('new', { level: 2 });
    keeper.changed();
    await fire();
    const kept = parseState(store.text!).relays;
    expect(kept.size).toBe(1_024);
    expect(kept.get('new')).toEqual({ level: 2 });
    expect(kept.get('old 0')).toEqual({ level: 2 });
    expect(kept.has('old 1')).toBe(false);
    expect(kept.has('old 2')).toBe(true);
  });
});

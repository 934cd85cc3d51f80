import { EventHub, type MillraceEvent } from '@millrace/protocol';
import { expect, test } from 'vitest';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { StateKeeper } from '../state/state-keeper.js';
import { RelayMemory } from './relay-memory.js';

const relay = (name: string): Relay => ({ name }) as Relay;
const [one, two] = [relay('https://one.test/'), relay('https://two.test/')];
const pool = { relays: [one, two] } as unknown as RelayPool;

function keeper(text?: string): { keeper: StateKeeper; saved: string[] } {
  const saved: string[] = [];
  const store = { load: async () => text, save: async (next: string) => void saved.push(next) };
  return { keeper: new StateKeeper({ store, events: new EventHub<MillraceEvent>() }), saved };
}

test('levels and holds come back after a restart, by the name of the relay', async () => {
  const before = keeper();
  const memory = new RelayMemory(pool, before.keeper);
  await memory.loaded;
  memory.noteLevel(one, 2);
  memory.noteHold(one, 12_000);
  memory.noteLevel(two, 1);
  await before.keeper.close();

  const after = keeper(before.saved.at(-1));
  const again = new RelayMemory(pool, after.keeper);
  await again.loaded;
  expect([again.of(one), again.of(two)]).toEqual([{ level: 2, holdMs: 12_000 }, { level: 1 }]);
});

test('a hold that hardly differs is not saved again, one that does is', async () => {
  const { keeper: kept, saved } = keeper();
  const memory = new RelayMemory(pool, kept);
  await memory.loaded;
  memory.noteHold(one, 10_000);
  memory.noteHold(one, 10_500);
  memory.noteHold(one, undefined);
  expect(memory.of(one).holdMs).toBe(10_000);
  memory.noteHold(one, 5_000);
  await kept.close();
  expect(saved.at(-1)).toContain('5000');
});

test('without a store nothing has to be waited for', () => {
  const memory = new RelayMemory(pool, undefined);
  memory.noteLevel(one, 2);
  expect([memory.loaded, memory.of(one), memory.of(two)]).toEqual([undefined, { level: 2 }, {}]);
});

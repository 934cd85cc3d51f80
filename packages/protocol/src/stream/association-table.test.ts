import { expect, test } from 'vitest';

import { AssociationTable } from './association-table.js';
import { ClientEngine } from './client-engine.js';
import { isNamedOnly } from './epoch.js';
import type { PacketValue } from './packet.js';

const NODE = new Uint8Array(8).fill(3);
const packet = (cid: number, more: Partial<PacketValue> = {}): PacketValue => ({
  n: 0,
  cid: new Uint8Array(16).fill(cid),
  ...more,
});

test('an association belongs to the key that first used it', () => {
  const table = new AssociationTable(NODE);
  const engine = table.associate('alice', packet(1), 0);
  expect(table.associate('alice', packet(1), 1)).toBe(engine);
  expect(table.associate('mallory', packet(1), 1)).not.toBe(engine);
  expect(table.size).toBe(2);
});

test('a silent client is forgotten, its streams are cut, and what it sent before is not executed when it returns', () => {
  const table = new AssociationTable(NODE);
  const opens = packet(1, { segments: [{ sid: 0, open: { host: 'h', port: 1, kind: 0 } }] });
  const engine = table.associate('k', opens, 0)!;
  engine.handleExchange(0, opens, 0);
  expect(engine.pollEvent()?.type).toBe('open');
  expect(table.pollTimeout()).toBe(120_000);
  expect(table.sweep(119_999)).toEqual([]);
  expect(table.sweep(120_000)).toEqual([engine]);
  expect(engine.pollEvent()).toEqual({ type: 'reset', sid: 0, code: 'CLIENT_GONE' });
  const again = table.associate('k', opens, 130_000)!;
  again.handleExchange(1, opens, 130_000);
  expect(again.pollEvent()).toBeUndefined();
  expect(again.epoch).not.toEqual(engine.epoch);
  // Nor is what named the forgotten association.
  again.handleExchange(2, { ...opens, n: 5, epoch: engine.epoch }, 130_000);
  expect(again.pollEvent()).toBeUndefined();
  expect(again.pollTransmit(130_000)?.packet).toMatchObject({ answers: 0, epoch: again.epoch });
});

test('a client that was forgotten resets what it had sent and goes on under the new epoch', () => {
  const table = new AssociationTable(NODE);
  const client = new ClientEngine(new Uint8Array(16).fill(1));
  client.addPath('relay', { paired: true, concurrency: 4 });
  const exchange = (now: number) => {
    for (let out = client.pollTransmit(now); out; out = client.pollTransmit(now)) {
      const engine = table.associate('k', out.packet, now)!;
      engine.handleExchange(out.packet.n, { ...out.packet, hold: 0 }, now);
      for (let event = engine.pollEvent(); event; event = engine.pollEvent()) {
        if (event.type === 'open') engine.dialed(event.sid, { code: '' }, now);
      }
      for (let answer = engine.pollTransmit(now); answer; answer = engine.pollTransmit(now)) {
        client.handlePacket('relay', answer.packet, now);
      }
      now += 0.1;
      if (now > 400_001) return;
    }
  };
  const target = { host: 'h', port: 1, kind: 0 };
  const old = client.open(target, 0)!;
  exchange(0);
  table.sweep(400_000);
  const fresh = client.open(target, 400_000)!;
  exchange(400_000);
  const events = [];
  for (let event = client.pollEvent(); event; event = client.pollEvent()) events.push(event);
  expect(events).toContainEqual({ type: 'reset', sid: old, code: 'NODE_RESTARTED' });
  expect(events.some((event) => event.type === 'restarted')).toBe(true);
  expect(fresh).toBe(old + 1);
});

test('a full table makes room by a client without streams, or refuses', () => {
  const table = new AssociationTable(NODE, { maxAssociations: 2 });
  const opens = (cid: number) => packet(cid, { segments: [{ sid: 0, open: { host: 'h', port: 1, kind: 0 } }] });
  table.associate('k', opens(1), 0)!.handleExchange(0, opens(1), 0);
  table.associate('k', packet(2), 0);
  const third = table.associate('k', opens(3), 10)!;
  expect(third).toBeDefined();
  third.handleExchange(1, opens(3), 10);
  expect(table.associate('k', packet(4), 20)).toBeUndefined();
});

test('when forgotten clients have to be forgotten for good, unknown ones are taken with doubt for a while', () => {
  const table = new AssociationTable(NODE, { maxTombstones: 1, tombstoneMs: 1000 });
  table.associate('k', packet(1), 0);
  table.associate('k', packet(2), 0);
  expect(table.bytesHeld()).toBeGreaterThan(0);
  table.sweep(120_000);
  expect(isNamedOnly(table.associate('k', packet(3), 120_500)!.epoch)).toBe(true);
  expect(isNamedOnly(table.associate('k', packet(4), 121_001)!.epoch)).toBe(false);
});

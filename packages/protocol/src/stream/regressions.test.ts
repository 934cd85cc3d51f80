import { expect, test } from 'vitest';

import { makeNode, Pair } from './sim/pair.js';
import { patternAt } from './sim/pattern.js';

const UDP = { paths: { udp: { paired: false, delayMs: 25, maxRequestBytes: 1200 } } };

test('an idle client makes a new connection known to the node, and shows on it that it lives', () => {
  const pair = new Pair(UDP);
  const sid = pair.open();
  pair.run(10_000);
  pair.client.removePath('udp', pair.now);
  pair.node.removePath('udp', pair.now);
  pair.client.addPath('udp', UDP.paths.udp);
  pair.run(100);
  pair.node.write(sid, patternAt(1, 0, 10), pair.now);
  pair.run(200);
  expect(pair.drain('client', sid).bytes).toHaveLength(10);
  const before = pair.up.length;
  pair.run(120_000);
  expect(pair.up.length - before).toBeGreaterThanOrEqual(6);
});

test('an idle client on an unpaired path learns of a new node', () => {
  const pair = new Pair(UDP);
  const sid = pair.open();
  pair.run(5000);
  pair.node = makeNode({}, 3, true);
  pair.run(20_000);
  expect(pair.clientEvents).toContainEqual({ type: 'reset', sid, code: 'NODE_RESTARTED' });
});

test('a reset under way while the node restarts does not stay for ever', () => {
  const pair = new Pair();
  const sid = pair.open();
  pair.onOpen = () => {
    pair.node.dialed(sid, { code: '' }, pair.now);
    pair.node.finish(sid, pair.now);
  };
  pair.client.finish(sid, 0);
  pair.run(1000);
  pair.client.reset(sid, 'ABORTED', pair.now);
  pair.pump();
  pair.node = makeNode({}, 3, true);
  pair.run(5000);
  expect(pair.client.inspect()).toEqual([]);
});

test('patience does not grow without end where little was delivered so far', () => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 3000 } } });
  const sid = pair.open();
  pair.run(120_000);
  let lost = 0;
  pair.fate = ({ direction, packet }) => (direction === 'up' && packet.segments && lost++ === 0 ? 'lose' : 'deliver');
  pair.client.write(sid, patternAt(1, 0, 60_000), pair.now);
  pair.run(120_000);
  expect(pair.drain('node', sid).bytes).toHaveLength(60_000);
});

test('a path without pairs does not push out its own packets when records are full', () => {
  const small = { maxRecords: 32 };
  const pair = new Pair({ ...UDP, client: small, node: small });
  const sid = pair.open();
  const data = patternAt(1, 0, 60_000);
  pair.client.write(sid, data, 0);
  let sent = 0;
  pair.fate = ({ direction, packet }) => {
    if (direction === 'up') for (const { d } of packet.segments ?? []) sent += d?.length ?? 0;
    return 'deliver';
  };
  pair.run(10_000);
  expect(pair.drain('node', sid).bytes).toEqual([...data]);
  expect(sent).toBeLessThan(1.2 * data.length);
});

test('a client without streams sends nothing, also when its last exchanges failed', () => {
  const pair = new Pair();
  const sid = pair.open();
  pair.run(2000);
  pair.fate = () => 'fail';
  pair.client.write(sid, patternAt(1, 0, 10), pair.now);
  pair.run(3000);
  pair.fate = () => 'deliver';
  pair.client.reset(sid, 'ABORTED', pair.now);
  pair.run(60_000);
  expect(pair.client.inspect()).toEqual([]);
  const before = pair.up.length;
  pair.run(3_600_000);
  expect(pair.up.length).toBe(before);
});

test('many stuck streams ask in few packets', () => {
  const pair = new Pair({ node: { receiveBudgetBytes: 0 } });
  const block = new Uint8Array(65_536);
  const fill = (sid: number) => {
    while (pair.client.write(sid, block, pair.now) === block.length);
  };
  pair.onClientEvent = (event) => void (event.type === 'writable' && fill(event.sid));
  for (let count = 0; count < 100; count++) fill(pair.open());
  pair.run(300_000);
  expect(pair.client.inspect().filter(({ stuck }) => stuck).length).toBeGreaterThan(90);
  const before = pair.up.length;
  pair.run(600_000);
  // Held exchanges, and at most one round of questions in half a minute.
  expect(pair.up.length - before).toBeLessThan(200);
});

import { expect, test } from 'vitest';

import type { PacketValue, SegmentValue } from './packet.js';
import { patternAt } from './sim/pattern.js';
import { CID, makeNode, Pair } from './sim/pair.js';

const RELAYS = { a: { paired: true, delayMs: 50 }, b: { paired: true, delayMs: 60 } };

function segments(packets: readonly { packet: PacketValue }[]): SegmentValue[] {
  return packets.flatMap(({ packet }) => packet.segments ?? []);
}

/** Hands a hand-made request to a node; gives the node's answer. */
function request(node: ReturnType<typeof makeNode>, n: number, given: SegmentValue[], now = 0): PacketValue {
  node.handleExchange(n, { n, cid: CID, hold: 0, max: 65_536, segments: given }, now);
  return node.pollTransmit(now)!.packet;
}

test('R1: the receiver accepts any overlap and trims it, the first copy of a byte stays', () => {
  const node = makeNode();
  const open = { host: 'h', port: 1, kind: 0 };
  const data = patternAt(1, 0, 5000);
  const other = data.map((byte) => byte ^ 0xff);
  const piece = (from: number, to: number, bytes = data): SegmentValue => ({
    sid: 0,
    open,
    off: from,
    d: bytes.slice(from, to),
  });
  request(node, 0, [piece(2000, 3000), piece(0, 700)]);
  request(node, 1, [piece(500, 2500, other), piece(100, 600, other), piece(2900, 3500, other)]);
  const answer = request(node, 2, [piece(3400, 5000), piece(3000, 4000, other)]);
  const whole = new Uint8Array(5000);
  let length = 0;
  for (let bytes = node.read(0); bytes; bytes = node.read(0)) {
    whole.set(bytes, length);
    length += bytes.length;
  }
  const expected = data.slice();
  expected.set(other.subarray(700, 2000), 700);
  expected.set(other.subarray(3000, 3500), 3000);
  expect(length).toBe(5000);
  expect(whole).toEqual(expected);
  expect(answer.segments?.[0]?.ack).toBe(5000);
});

test('R1: the sender cuts what was lost anew, and never changes the byte at an offset', () => {
  const pair = new Pair({ paths: { ...RELAYS, a: { paired: true, delayMs: 50, maxRequestBytes: 9000 } } });
  const sid = pair.open();
  const data = patternAt(5, 0, 40_000);
  let dropped = 0;
  pair.fate = ({ direction, packet }) => (direction === 'up' && packet.segments && dropped++ < 6 ? 'fail' : 'deliver');
  pair.client.write(sid, data, 0);
  pair.client.finish(sid, 0);
  pair.run(20_000);
  const seen = new Map<string, number>();
  for (const { off, d } of segments(pair.up)) {
    if (d) expect(d).toEqual(data.slice(off, off! + d.length));
    if (d) seen.set(`${off}+${d.length}`, 1);
  }
  expect(seen.size).toBeGreaterThan(3);
  expect(pair.drain('node', sid)).toEqual({ bytes: [...data], ended: true });
});

test('R2: a packet that arrived deletes nothing, only the ack does', () => {
  const pair = new Pair();
  const sid = pair.open();
  const data = patternAt(3, 0, 3000);
  pair.client.write(sid, data, 0);
  // The node's packets confirm the request but never acknowledge a byte, as if the receiver had dropped them.
  pair.fate = ({ direction, packet }) => {
    if (direction === 'down') for (const segment of packet.segments ?? []) delete segment.ack;
    return 'deliver';
  };
  pair.run(10_000);
  const copies = segments(pair.up).filter(({ off, d }) => off === 0 && d !== undefined);
  expect(copies.length).toBeGreaterThan(1);
  for (const { d } of copies) expect(d).toEqual(data.slice(0, d!.length));
  expect(pair.client.inspect()[0]?.unacknowledgedBytes).toBe(3000);
});

test('R3: an exchange that failed is sent again, whichever way it failed, and costs no byte', () => {
  const pair = new Pair({ paths: RELAYS });
  const sid = pair.open();
  const up = patternAt(1, 0, 30_000);
  const down = patternAt(2, 0, 30_000);
  let count = 0;
  pair.fate = ({ direction }) => {
    count++;
    if (count > 40) return 'deliver';
    if (count <= 2) return 'fail';
    return count % 3 === 0 ? 'fail' : count % 5 === 0 && direction === 'down' ? 'lose' : 'deliver';
  };
  pair.client.write(sid, up, 0);
  pair.client.finish(sid, 0);
  pair.onOpen = (opened) => {
    pair.node.dialed(opened, { code: '' }, pair.now);
    pair.node.write(opened, down, pair.now);
    pair.node.finish(opened, pair.now);
  };
  const got = { client: [] as number[], node: [] as number[] };
  pair.onClientEvent = ({ type }) => void (type === 'readable' && got.client.push(...pair.drain('client', sid).bytes));
  pair.onNodeEvent = ({ type }) => void (type === 'readable' && got.node.push(...pair.drain('node', sid).bytes));
  pair.run(300_000);
  expect(got.node).toEqual([...up]);
  expect(got.client).toEqual([...down]);
  expect(pair.clientEvents.filter(({ type }) => type === 'closed')).toHaveLength(1);
});

test('R3: the client tells which answers it gave up, and the node sends again what they carried', () => {
  const pair = new Pair({ node: { minAskMs: 60_000 } });
  const sid = pair.open();
  let lost = 0;
  pair.fate = ({ direction, packet }) =>
    direction === 'down' && packet.segments?.some(({ opened }) => opened) && lost++ === 0 ? 'fail' : 'deliver';
  pair.run(1000);
  expect(pair.up.some(({ packet }) => packet.lost !== undefined)).toBe(true);
  expect(pair.clientEvents).toContainEqual({ type: 'opened', sid, address: undefined });
});

test('R4: a stream is opened, written and closed once, however often and late its segments arrive', () => {
  const pair = new Pair();
  const sid = pair.open();
  const data = patternAt(4, 0, 2000);
  const got: number[] = [];
  pair.onNodeEvent = ({ type }) => {
    if (type !== 'readable') return;
    const { bytes, ended } = pair.drain('node', sid);
    got.push(...bytes);
    if (ended) pair.node.finish(sid, pair.now);
  };
  pair.onClientEvent = ({ type }) => void (type === 'readable' && pair.drain('client', sid));
  pair.client.write(sid, data, 0);
  pair.client.finish(sid, 0);
  pair.run(5000);
  expect(pair.node.inspect()).toEqual([]);
  // Every request once more: as the relay's repetition, then under new numbers, as if long delayed.
  const requests = pair.up;
  for (const sent of requests) pair.arrive(sent);
  for (const [index, sent] of requests.entries()) pair.arrive({ ...sent, packet: { ...sent.packet, n: 1000 + index } });
  pair.pump();
  expect(pair.nodeEvents.filter(({ type }) => type === 'open')).toHaveLength(1);
  expect(pair.nodeEvents.filter(({ type }) => type === 'closed')).toHaveLength(1);
  expect(got).toEqual([...data]);
});

test('R4: a reset that overtakes its open makes the open void', () => {
  const node = makeNode();
  request(node, 1, [{ sid: 3, rst: 'ABORTED' }]);
  request(node, 0, [{ sid: 3, open: { host: 'h', port: 1, kind: 0 }, off: 0, d: patternAt(1, 0, 10) }]);
  expect(node.pollEvent()).toBeUndefined();
});

test('R5: a new epoch resets what may have been sent, keeps what was not, and dials nothing again', () => {
  const pair = new Pair();
  const old = pair.open();
  pair.run(500);
  expect(pair.clientEvents).toContainEqual({ type: 'opened', sid: old, address: undefined });
  pair.node = makeNode({}, 7, true);
  const before = pair.nodeEvents.length;
  // The next request meets the new instance; a stream opened meanwhile was never sent.
  pair.fate = ({ direction }) => (direction === 'up' ? { delayMs: 100 } : 'deliver');
  pair.run(60_000, () => pair.clientEvents.some(({ type }) => type === 'restarted'));
  const fresh = pair.open();
  pair.run(5000);
  expect(pair.clientEvents).toContainEqual({ type: 'reset', sid: old, code: 'NODE_RESTARTED' });
  expect(pair.clientEvents).toContainEqual({ type: 'opened', sid: fresh, address: undefined });
  const opens = pair.nodeEvents.slice(before).filter(({ type }) => type === 'open');
  expect(opens.map((event) => 'sid' in event && event.sid)).toEqual([fresh]);
});

test('R5: an open that waits while the node restarts works at once under the new epoch', () => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, concurrency: 1 } } });
  pair.open();
  pair.run(120);
  pair.node = makeNode({}, 9, true);
  pair.pump();
  // The only place is taken by a held exchange: this one is not sent before the answer of the new instance came.
  const waiting = pair.open();
  expect(pair.client.inspect().find(({ sid }) => sid === waiting)?.opened).toBe(false);
  pair.run(60_000);
  expect(pair.clientEvents).toContainEqual({ type: 'opened', sid: waiting, address: undefined });
});

test('R5: relays that lead to different nodes are named, and the ones that agree go on', () => {
  const relay = { paired: true, delayMs: 50 };
  const pair = new Pair({ paths: { a: relay, b: relay, c: relay } });
  pair.elsewhere.set('b', makeNode({}, 0, false, new Uint8Array(8).fill(2)));
  const sids: number[] = [];
  for (let round = 0; round < 20; round++) {
    sids.push(pair.open());
    pair.run(2000);
  }
  const named = pair.clientEvents.filter(({ type }) => type === 'differentNode');
  expect(named.length).toBeGreaterThan(0);
  for (const event of named) expect(event).toMatchObject({ code: 'PEER_DIFFERENT_NODES' });
  // Which of them is the odd one is not known at first: what was sent before may be reset once, and then no more.
  expect(pair.clientEvents.filter(({ type }) => type === 'restarted').length).toBeLessThanOrEqual(1);
  const opened = pair.clientEvents.flatMap((event) => (event.type === 'opened' ? [event.sid] : []));
  expect(opened).toEqual(expect.arrayContaining(sids.slice(3)));
  expect(pair.client.inspect().map(({ sid }) => sid)).toEqual(expect.arrayContaining(sids.slice(3)));
});

test('R5: a stream that is cut never ends cleanly', () => {
  const pair = new Pair();
  const sid = pair.open();
  pair.onOpen = () => {
    pair.node.dialed(sid, { code: '' }, pair.now);
    pair.node.write(sid, patternAt(1, 0, 1000), pair.now);
  };
  pair.run(500);
  pair.node.reset(sid, 'TARGET_RESET', pair.now);
  pair.run(500);
  expect(pair.clientEvents).toContainEqual({ type: 'reset', sid, code: 'TARGET_RESET' });
  expect(pair.clientEvents.some(({ type }) => type === 'closed')).toBe(false);
  expect(pair.client.read(sid)).toBeUndefined();
});

test('R6: a sender whose peer forgot to tell it of credit asks, and gets an answer', () => {
  const pair = new Pair({ node: { receiveBudgetBytes: 0 }, client: { sendFloorBytes: 262_144 } });
  const sid = pair.open();
  const data = patternAt(1, 0, 65_521);
  pair.client.write(sid, data, 0);
  pair.client.write(sid, data, 0);
  pair.run(1000);
  // The node's application reads now, but every word on credit is taken out of its packets for a while.
  let mute = true;
  pair.fate = ({ direction, packet }) => {
    if (direction === 'down' && mute) for (const segment of packet.segments ?? []) delete segment.credit;
    return 'deliver';
  };
  let got = pair.drain('node', sid).bytes.length;
  pair.onNodeEvent = ({ type }) => void (type === 'readable' && (got += pair.drain('node', sid).bytes.length));
  pair.run(3000);
  expect(got).toBe(65_536);
  mute = false;
  pair.run(30_000);
  const questions = segments(pair.up).filter(({ off, d, fin }) => off !== undefined && d === undefined && fin !== true);
  expect(questions.length).toBeGreaterThan(0);
  expect(got).toBe(2 * 65_521);
});

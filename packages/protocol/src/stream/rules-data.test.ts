import { expect, test } from 'vitest';

import { resolveStreamOptions } from './options.js';
import { memoryBound } from './memory.js';
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

test(
  'R9: stalled readers hold no more than the formula says, and take the floor from nobody',
  { timeout: 60_000 },
  () => {
    const limits = { receiveBudgetBytes: 4_194_304, sendBudgetBytes: 4_194_304, maxStreams: 201 };
    const pair = new Pair({ client: limits, node: limits });
    const bound = memoryBound(resolveStreamOptions(limits), { streams: 201, exchanges: 128 });
    const block = new Uint8Array(65_536).fill(1);
    const fill = (sid: number) => {
      while (pair.node.write(sid, block, pair.now) === block.length);
    };
    pair.onOpen = (sid) => {
      pair.node.dialed(sid, { code: '' }, pair.now);
      fill(sid);
    };
    pair.onNodeEvent = (event) => void (event.type === 'writable' && fill(event.sid));
    let most = 0;
    pair.fate = () => {
      most = Math.max(most, pair.client.bytesHeld());
      expect(pair.client.bytesHeld()).toBeLessThanOrEqual(bound);
      expect(pair.node.bytesHeld()).toBeLessThanOrEqual(bound);
      return 'deliver';
    };
    for (let count = 0; count < 200; count++) pair.open();
    pair.run(30_000);
    expect(most).toBeGreaterThan(200 * 65_536);
    // The budget is taken by readers that never read; one more still moves whatever it reads.
    const sid = pair.open();
    let read = 0;
    pair.onClientEvent = (event) =>
      void (event.type === 'readable' && event.sid === sid && (read += pair.drain('client', sid).bytes.length));
    pair.run(10_000);
    expect(read).toBeGreaterThan(20 * 65_536);
  },
);

test(
  'R9: at the defaults 1,000 stalled readers fill a client to half of 256 MiB at least, and never pass it',
  { timeout: 60_000 },
  () => {
    const bound = memoryBound(resolveStreamOptions(), { streams: 1000, exchanges: 128 });
    expect(bound).toBeLessThanOrEqual(256 * 1_048_576);
    const pair = new Pair();
    const block = new Uint8Array(65_536).fill(1);
    const fill = (end: 'client' | 'node', sid: number) => {
      while (pair[end].write(sid, block, pair.now) === block.length);
    };
    pair.onOpen = (sid) => {
      pair.node.dialed(sid, { code: '' }, pair.now);
      fill('node', sid);
    };
    pair.onNodeEvent = (event) => void (event.type === 'writable' && fill('node', event.sid));
    pair.onClientEvent = (event) => void (event.type === 'writable' && fill('client', event.sid));
    const most = { client: 0, node: 0 };
    pair.fate = () => {
      for (const end of ['client', 'node'] as const) most[end] = Math.max(most[end], pair[end].bytesHeld());
      return 'deliver';
    };
    for (let count = 0; count < 1000; count++) fill('client', pair.open());
    pair.run(30_000);
    for (const end of ['client', 'node'] as const) {
      expect(most[end]).toBeGreaterThan(128 * 1_048_576);
      expect(most[end]).toBeLessThanOrEqual(bound);
    }
  },
);

test('R10: half-close, reset and a failed dial each reach the application as what they are', () => {
  const pair = new Pair();
  const [half, cut, failed] = [pair.open(), pair.open(), pair.open()];
  pair.onOpen = (sid) => pair.node.dialed(sid, { code: sid === failed ? 'DIAL_REFUSED' : '' }, pair.now);
  pair.run(1000);
  expect(pair.clientEvents).toContainEqual({ type: 'failed', sid: failed, code: 'DIAL_REFUSED' });
  // The client ends its direction; the other goes on.
  pair.client.finish(half, pair.now);
  pair.run(1000);
  expect(pair.node.read(half)).toBeNull();
  pair.node.write(half, patternAt(1, 0, 100), pair.now);
  pair.node.finish(half, pair.now);
  pair.node.reset(cut, 'TARGET_RESET', pair.now);
  pair.run(2000);
  expect(pair.drain('client', half)).toEqual({ bytes: [...patternAt(1, 0, 100)], ended: true });
  pair.pump();
  expect(pair.clientEvents).toContainEqual({ type: 'closed', sid: half });
  expect(pair.clientEvents).toContainEqual({ type: 'reset', sid: cut, code: 'TARGET_RESET' });
});

/** Streams that are past their first bytes, each with `bytes` waiting, and all that was read so far used up. */
function bulkStreams(maxRequestBytes: number, bytes: number): { pair: Pair; bulk: number[] } {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, maxRequestBytes } } });
  pair.onNodeEvent = (event) => void (event.type === 'readable' && pair.drain('node', event.sid));
  const bulk = [pair.open(), pair.open(), pair.open(), pair.open()];
  for (const sid of bulk) pair.client.write(sid, new Uint8Array(20_000), pair.now);
  pair.run(5000);
  for (const sid of bulk) pair.client.write(sid, new Uint8Array(bytes).fill(9), pair.now);
  return { pair, bulk };
}

/** Stream bytes of each stream in the first packet that is sent from now on. */
function firstPacket(pair: Pair): { order: number[]; bytes: Map<number, number> } {
  const before = pair.up.length;
  pair.run(25);
  const order = pair.up[before]!.packet.segments!.filter(({ d }) => d !== undefined);
  const bytes = new Map<number, number>();
  for (const { sid, d } of order) bytes.set(sid, (bytes.get(sid) ?? 0) + d!.length);
  return { order: order.map(({ sid }) => sid), bytes };
}

test('R14: bulk is shared evenly, and small streams go first', () => {
  const { pair, bulk } = bulkStreams(262_144, 200_000);
  const small = pair.open();
  pair.client.write(small, patternAt(1, 0, 300), pair.now);
  const { order, bytes } = firstPacket(pair);
  expect(order[0]).toBe(small);
  expect(bytes.get(small)).toBe(300);
  const shares = bulk.map((sid) => bytes.get(sid) ?? 0);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(32_768);
  pair.run(20_000);
  for (const { waitingBytes, unacknowledgedBytes } of pair.client.inspect())
    expect(waitingBytes + unacknowledgedBytes).toBe(0);
});

test('R14: a packet that has room for all that waits takes all of it', () => {
  const { pair, bulk } = bulkStreams(262_144, 55_000);
  const { bytes } = firstPacket(pair);
  expect(bulk.map((sid) => bytes.get(sid))).toEqual([55_000, 55_000, 55_000, 55_000]);
});

test('R14: fifty streams of bulk keep nobody out, and a new stream passes them all', () => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, maxRequestBytes: 65_536 } } });
  const read = new Map<number, number>();
  pair.onNodeEvent = (event) => {
    if (event.type !== 'readable') return;
    read.set(event.sid, (read.get(event.sid) ?? 0) + pair.drain('node', event.sid).bytes.length);
  };
  const bulk = Array.from({ length: 50 }, () => pair.open());
  for (const sid of bulk) pair.client.write(sid, new Uint8Array(60_000), 0);
  pair.run(300);
  const late = pair.open();
  pair.client.write(late, new Uint8Array(100), pair.now);
  const at = pair.now;
  pair.run(5000, () => read.has(late));
  expect(pair.now - at).toBeLessThanOrEqual(200);
  pair.run(60_000);
  expect(bulk.map((sid) => read.get(sid))).toEqual(bulk.map(() => 60_000));
});

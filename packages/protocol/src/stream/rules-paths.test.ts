import { expect, test } from 'vitest';

import type { PacketValue } from './packet.js';
import { MIB, ratedPair, ratedRelay } from './sim/figures.js';
import { CID, makeNode, Pair, type PairOptions } from './sim/pair.js';
import { patternAt } from './sim/pattern.js';
import { transfer } from './sim/throughput.js';
import { Traffic } from './sim/traffic.js';

function opened(options: PairOptions = {}): { pair: Pair; sid: number } {
  const pair = new Pair(options);
  const sid = pair.open();
  pair.run(3000);
  expect(pair.clientEvents).toContainEqual({ type: 'opened', sid, address: undefined });
  return { pair, sid };
}

const carries = ({ packet }: { packet: PacketValue }) => packet.segments !== undefined;

test('R7: results, errors, ends, resets and first bytes leave a held exchange at once', () => {
  const { pair, sid } = opened();
  const actions = [
    () => pair.node.write(sid, patternAt(1, 0, 100), pair.now),
    () => pair.node.finish(sid, pair.now),
    () => pair.node.reset(sid, 'TARGET_RESET', pair.now),
  ];
  for (const action of actions) {
    const at = pair.now;
    const before = pair.down.length;
    action();
    pair.pump();
    const leaving = pair.down.slice(before).filter(carries);
    expect(leaving.map((sent) => sent.at)).toEqual([at]);
    pair.run(2000);
  }
});

test('R7: a lone end of the client goes along once the target has answered, and leaves at once before', () => {
  const { pair, sid } = opened();
  const ends = () => pair.up.filter(({ packet }) => packet.segments?.some(({ fin }) => fin === true));
  const other = pair.open();
  for (const stream of [sid, other]) pair.client.write(stream, patternAt(1, 0, 100), pair.now);
  pair.run(2000);
  // Requests, and nothing else: the target may wait for the end.
  pair.client.finish(other, pair.now);
  pair.pump();
  expect(ends().map(({ at }) => at)).toEqual([pair.now]);
  pair.node.write(sid, patternAt(1, 0, 100), pair.now);
  pair.run(2000);
  expect(pair.drain('client', sid).bytes.length).toBe(100);
  pair.run(2000);
  const at = pair.now;
  pair.client.finish(sid, at);
  pair.pump();
  expect(ends().length).toBe(1);
  // It goes with the next open.
  pair.run(5);
  pair.open();
  pair.pump();
  expect(ends().map((sent) => sent.at)).toEqual([expect.any(Number), at + 5]);
});

test('R7: a lone end that finds no company waits no longer than an ack', () => {
  const { pair, sid } = opened();
  pair.node.write(sid, patternAt(1, 0, 100), pair.now);
  pair.run(2000);
  pair.drain('client', sid);
  pair.run(2000);
  const at = pair.now;
  pair.client.finish(sid, at);
  pair.run(1000);
  const end = pair.up.find(({ packet }) => packet.segments?.some(({ fin }) => fin === true));
  expect(end?.at).toBeGreaterThan(at);
  expect(end!.at - at).toBeLessThanOrEqual(50);
});

test('R7: bulk lingers for company, at most 20 ms and a tenth of the round trip', () => {
  const { pair, sid } = opened({ paths: { relay: { paired: true, delayMs: 50 } } });
  pair.node.write(sid, patternAt(1, 0, 30_000), pair.now);
  pair.run(2000);
  pair.drain('client', sid);
  pair.run(2000);
  const before = pair.down.length;
  const at = pair.now;
  pair.node.write(sid, patternAt(1, 30_000, 8000), pair.now);
  pair.pump();
  expect(pair.down.length).toBe(before);
  pair.run(1000);
  const leaving = pair.down.slice(before).find(carries)!;
  expect(leaving.at).toBeGreaterThan(at);
  expect(leaving.at - at).toBeLessThanOrEqual(20);
});

test('R7: a bare ack alone releases no held exchange, unless the peer asks', () => {
  const node = makeNode();
  const exchange = (n: number, hold: number, given: Partial<PacketValue>, now: number) =>
    node.handleExchange(n, { n, cid: CID, hold, max: 65_536, ...given }, now);
  exchange(0, 0, { segments: [{ sid: 0, open: { host: 'h', port: 1, kind: 0 } }] }, 0);
  node.dialed(0, { code: '' }, 0);
  const { n } = node.pollTransmit(0)!.packet;
  exchange(1, 10_000, { got: [{ from: n, to: n }], segments: [{ sid: 0, off: 0, d: patternAt(1, 0, 500) }] }, 10);
  expect(node.pollTransmit(10)).toBeUndefined();
  expect(node.pollTimeout()).toBe(10_010);
  exchange(2, 20_000, { segments: [{ sid: 0, off: 500 }] }, 20);
  expect(node.pollTransmit(20)?.packet.segments).toEqual([{ sid: 0, ack: 500, credit: expect.any(Number) }]);
});

test('R7: a dial that takes its time holds up nobody', () => {
  const { pair, sid } = opened();
  pair.onOpen = () => {};
  for (let count = 0; count < 32; count++) pair.open();
  pair.run(1500);
  const at = pair.now;
  pair.node.write(sid, patternAt(1, 0, 100), pair.now);
  pair.run(5000, () => pair.clientEvents.some(({ type }) => type === 'readable'));
  expect(pair.now - at).toBe(50);
});

test('R8: idle streams cost the same for 1 as for 1,000, at most one exchange held, and none without a stream', () => {
  const cost = (streams: number) => {
    const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, holdMs: 30_000, startHoldMs: 30_000 } } });
    const sids = Array.from({ length: streams }, () => pair.open());
    pair.run(60_000);
    const before = pair.up.length;
    pair.run(3_600_000);
    const requests = pair.up.length - before;
    const answered = new Set(pair.down.map(({ packet }) => packet.answers));
    expect(pair.up.filter(({ packet }) => !answered.has(packet.n)).length).toBeLessThanOrEqual(1);
    for (const sid of sids) pair.client.reset(sid, 'STREAM_CLOSED', pair.now);
    pair.run(60_000);
    const after = pair.up.length;
    pair.run(3_600_000);
    expect(pair.up.length).toBe(after);
    return requests;
  };
  const one = cost(1);
  expect(one).toBeLessThanOrEqual(160);
  expect(cost(1000)).toBe(one);
});

test('R11: a request that vanished in silence is found by the patience of its path, after the end of its hold', () => {
  const { pair, sid } = opened();
  let lost = 0;
  pair.fate = ({ direction, packet }) => (direction === 'up' && packet.segments && lost++ === 0 ? 'lose' : 'deliver');
  pair.client.write(sid, patternAt(1, 0, 500), pair.now);
  pair.run(60_000);
  expect(lost).toBeGreaterThan(0);
  expect(pair.clientEvents.filter(({ type }) => type === 'abandoned')).toHaveLength(1);
  expect(pair.drain('node', sid).bytes).toEqual([...patternAt(1, 0, 500)]);
});

test('R11: an exchange that the node holds to its end is not given up', () => {
  const { pair } = opened({ paths: { relay: { paired: true, delayMs: 50, holdMs: 30_000, startHoldMs: 30_000 } } });
  pair.run(300_000);
  expect(pair.clientEvents.filter(({ type }) => type === 'abandoned')).toEqual([]);
  expect(pair.up.at(-1)!.packet.hold).toBe(30_000);
});

test('R11: a response that vanished in silence is found by the node, without a word of the client', () => {
  const { pair, sid } = opened();
  const doomed = new Set<number>();
  pair.fate = ({ direction, packet }) => {
    if (direction === 'down' && packet.segments && doomed.size === 0) doomed.add(packet.n);
    // What the client would say of it is taken out.
    if (direction === 'up') delete packet.lost;
    return direction === 'down' && doomed.has(packet.n) ? 'lose' : 'deliver';
  };
  pair.node.write(sid, patternAt(1, 0, 500), pair.now);
  pair.run(60_000);
  expect(doomed.size).toBe(1);
  expect(pair.drain('client', sid).bytes).toEqual([...patternAt(1, 0, 500)]);
});

test('R11: what an unordered path loses is found by what arrives later, and by probes when nothing does', () => {
  const { pair, sid } = opened({ paths: { udp: { paired: false, delayMs: 25, maxRequestBytes: 1200 } } });
  let count = 0;
  pair.fate = ({ packet }) => (packet.segments && ++count % 4 === 0 ? 'lose' : 'deliver');
  pair.client.write(sid, patternAt(1, 0, 40_000), pair.now);
  pair.client.finish(sid, pair.now);
  pair.run(60_000);
  expect(pair.drain('node', sid)).toEqual({ bytes: [...patternAt(1, 0, 40_000)], ended: true });
});

test('R11: an exchange slower than usual is hedged over another relay, before patience ends', () => {
  const { pair, sid } = opened({ paths: { a: { paired: true, delayMs: 50 }, b: { paired: true, delayMs: 55 } } });
  pair.run(20_000);
  let stuck: string | undefined;
  pair.fate = ({ direction, packet, path }) => {
    if (direction === 'up' && packet.segments && stuck === undefined) stuck = path;
    return path === stuck ? 'lose' : 'deliver';
  };
  const at = pair.now;
  pair.client.write(sid, patternAt(1, 0, 500), pair.now);
  pair.run(60_000, () => pair.nodeEvents.some(({ type }) => type === 'readable'));
  expect(pair.drain('node', sid).bytes).toHaveLength(500);
  expect(pair.clientEvents.some(({ type }) => type === 'abandoned')).toBe(false);
  expect(pair.now - at).toBeLessThan(1000);
});

test('R11: a lost answer is found by the answers to what was sent after it, with one relay and without patience', () => {
  const pair = new Pair({ paths: { relay: ratedRelay({ rttMs: 200, mbps: 100 }) } });
  const traffic = new Traffic(pair);
  let lost = 0;
  pair.fate = ({ direction, packet }) => {
    const bytes = (packet.segments ?? []).reduce((sum, { d }) => sum + (d?.length ?? 0), 0);
    return direction === 'down' && bytes > MIB && lost++ === 3 ? 'lose' : 'deliver';
  };
  let silence = 0;
  let last = 1000;
  traffic.onRead = () => {
    if (pair.now > 1000) silence = Math.max(silence, pair.now - last);
    last = Math.max(1000, pair.now);
  };
  traffic.start({ upBytes: 0, downBytes: 64 * MIB });
  traffic.finish();
  expect(lost).toBeGreaterThan(4);
  expect(pair.clientEvents.filter(({ type }) => type === 'abandoned').length).toBeLessThanOrEqual(1);
  expect(silence).toBeLessThan(2500);
});

test('R12: small messages do not wait behind the large bodies of a download', () => {
  const pair = ratedPair({ rttMs: 50, mbps: 100 });
  const traffic = new Traffic(pair);
  traffic.start({ upBytes: 0, downBytes: 256 * MIB });
  pair.run(4000);
  const echo = traffic.start({ upBytes: 0, downBytes: 0, rounds: 50 });
  pair.run(60_000, () => echo.finishedAt !== undefined);
  for (const ms of echo.roundMs.slice(3)) expect(ms).toBeLessThanOrEqual(150);
});

test('R12: an unordered path is paced: no burst beyond ten packets, or what a ms carries', () => {
  const pair = new Pair({ paths: { udp: { paired: false, delayMs: 25, maxRequestBytes: 1200 } } });
  // A link of five packets a ms.
  let freeAt = 0;
  pair.fate = ({ direction, packet }) => {
    if (direction === 'down') return 'deliver';
    freeAt = Math.max(freeAt, pair.now) + (packet.segments === undefined ? 0 : 0.2);
    return { delayMs: freeAt - pair.now };
  };
  transfer(pair, 8 * MIB, 'up');
  const bursts = new Map<number, number>();
  for (const { at, direction, packet } of pair.log) {
    if (direction === 'up' && packet.segments && at > 60) bursts.set(at, (bursts.get(at) ?? 0) + 1);
  }
  expect(Math.max(...bursts.values())).toBeLessThanOrEqual(4 * 10);
  expect(pair.now).toBeLessThan((2 * 8 * MIB) / 1200 / 5);
});

/** Most exchanges under way at once. */
function mostAtOnce(pair: Pair): number {
  let most = 0;
  let open = 0;
  for (const { direction, packet } of pair.log) {
    open += direction === 'up' ? 1 : packet.answers === undefined ? 0 : -1;
    most = Math.max(most, open);
  }
  return most;
}

test('R12: in flight grows while more is delivered, and a download over a long path fills it', () => {
  const paths = { relay: { paired: true, delayMs: 500, maxResponseBytes: MIB, concurrency: 16 } };
  const pair = new Pair({ paths });
  const { virtualMs } = transfer(pair, 128 * MIB, 'down');
  expect(mostAtOnce(pair)).toBeGreaterThanOrEqual(8);
  expect(virtualMs).toBeLessThan(20_000);
});

test('R12: in flight never passes the concurrency of an account, nor a quota that is used up', () => {
  const pair = new Pair({
    paths: { relay: { paired: true, delayMs: 100, maxResponseBytes: 65_536, concurrency: 32 } },
  });
  pair.client.setGate('relay', { concurrency: 3 });
  transfer(pair, 4 * MIB, 'down');
  expect(mostAtOnce(pair)).toBeLessThanOrEqual(3);
  const at = pair.now;
  pair.client.setGate('relay', { concurrency: 3, blockedUntil: at + 60_000 });
  pair.open();
  const before = pair.up.length;
  pair.run(59_999);
  expect(pair.up.length).toBe(before);
  pair.run(1000);
  expect(pair.up.length).toBeGreaterThan(before);
});

test('R12: a path that delivers no more for more in flight is not filled further', () => {
  const pair = new Pair({ paths: { relay: { paired: true, delayMs: 10, maxResponseBytes: 65_536, concurrency: 64 } } });
  // A link of 1 byte per µs: responses queue one behind the other.
  let freeAt = 0;
  pair.fate = ({ direction, packet }) => {
    if (direction === 'up') return 'deliver';
    const bytes = (packet.segments ?? []).reduce((sum, { d }) => sum + (d?.length ?? 0), 0);
    freeAt = Math.max(freeAt, pair.now) + bytes / 1000;
    return { delayMs: freeAt - pair.now };
  };
  transfer(pair, 32 * MIB, 'down');
  expect(mostAtOnce(pair)).toBeLessThan(40);
});

test('R13: no byte goes over a relay that brings it later than the next exchange of a quicker one', () => {
  const paths = {
    quick: { paired: true, delayMs: 100, concurrency: 2, maxResponseBytes: 65_536 },
    slow: { paired: true, delayMs: 3000, concurrency: 8, maxResponseBytes: 65_536 },
  };
  const pair = new Pair({ paths });
  pair.open();
  pair.run(60_000);
  const before = pair.log.length;
  transfer(pair, 2 * MIB, 'down');
  transfer(pair, 2 * MIB, 'up');
  const slow = pair.log.slice(before).filter(({ path, packet }) => path === 'slow' && packet.segments !== undefined);
  expect(slow).toEqual([]);
});

test('R13: an unequal relay beside a quick one costs nothing', () => {
  const quick = { paired: true, delayMs: 100 };
  const alone = transfer(new Pair({ paths: { quick } }), 64 * MIB, 'down').virtualMs;
  const both = transfer(
    new Pair({ paths: { quick, slow: { paired: true, delayMs: 3000 } } }),
    64 * MIB,
    'down',
  ).virtualMs;
  expect(both).toBeLessThanOrEqual(alone * 1.02);
});

/** What relays do to an exchange, case by case. `scripts/mutants/cases.mjs` plants a fault for each. */
import { describe, expect, test } from 'vitest';

import type { PacketValue } from './packet.js';
import { CID, makeNode, Pair, type Sent } from './sim/pair.js';
import { patternAt } from './sim/pattern.js';

const RELAYS = { a: { paired: true, delayMs: 50 }, b: { paired: true, delayMs: 50 } };
const HOLDS = { paired: true, delayMs: 50, holdMs: 30_000, startHoldMs: 30_000 };

const carries = ({ packet }: Sent): boolean => packet.segments !== undefined;
const bytesOf = ({ segments = [] }: PacketValue): number => segments.reduce((sum, { d }) => sum + (d?.length ?? 0), 0);

/** A pair with streams that are open and quiet. */
function quiet(streams: number, paths: Pair['paths'] = { relay: HOLDS }): { pair: Pair; sids: number[] } {
  const pair = new Pair({ paths });
  const sids = Array.from({ length: streams }, () => pair.open());
  pair.run(60_000);
  return { pair, sids };
}

describe('a doubled exchange', () => {
  test('whose second answer comes back: what the first one carried is asked for again', () => {
    const { pair, sids } = quiet(1);
    pair.node.write(sids[0]!, patternAt(1, 0, 100), pair.now);
    let doubled: Sent | undefined;
    let kept: PacketValue | undefined;
    pair.fate = (sent) => {
      if (sent.direction === 'up' && doubled === undefined && carries(sent)) {
        doubled = sent;
        pair.clock.after(60, () => pair.arrive(sent));
      }
      if (sent.direction === 'down' && sent.packet.answers === doubled?.packet.n) {
        if (sent.packet.again !== true) return 'lose';
        kept = sent.packet;
      }
      return 'deliver';
    };
    pair.client.write(sids[0]!, patternAt(2, 0, 100), pair.now);
    pair.run(1000);
    expect(kept).toMatchObject({ again: true });
    expect(kept).not.toHaveProperty('segments');
    // The client says at once that it never saw the other answer.
    const { n } = doubled!.packet;
    const told = pair.up.find(({ packet }) => packet.lost?.some(({ from, to }) => from <= n && n <= to));
    expect(told?.at).toBeLessThan(pair.now - 500);
    expect(pair.drain('node', sids[0]!).bytes).toEqual([...patternAt(2, 0, 100)]);
    expect(pair.drain('client', sids[0]!).bytes).toEqual([...patternAt(1, 0, 100)]);
  });

  test('is run once: the second answer carries nothing, and what is held stays held', () => {
    const node = makeNode();
    const open = { host: 'h', port: 1, kind: 0 };
    const request = {
      n: 0,
      cid: CID,
      hold: 10_000,
      max: 65_536,
      segments: [{ sid: 0, open, off: 0, d: patternAt(1, 0, 9) }],
    };
    node.handleExchange(0, request, 0);
    node.handleExchange(1, request, 5);
    expect(node.pollTransmit(5)).toMatchObject({ exchange: 1, packet: { answers: 0, again: true } });
    expect(node.pollTransmit(5)).toBeUndefined();
    const opens = [];
    for (let event = node.pollEvent(); event; event = node.pollEvent()) if (event.type === 'open') opens.push(event);
    expect(opens).toHaveLength(1);
    node.dialed(0, { code: '' }, 10);
    expect(node.pollTransmit(10)).toMatchObject({
      exchange: 0,
      packet: { answers: 0, segments: [{ opened: { code: '' } }] },
    });
  });
});

describe('a late exchange', () => {
  test('that comes after it was given up is answered at once with nothing, and changes nothing', () => {
    const { pair, sids } = quiet(1);
    let late: Sent | undefined;
    pair.fate = (sent) => {
      if (sent.direction === 'up' && late === undefined && carries(sent)) {
        late = sent;
        return 'lose';
      }
      return 'deliver';
    };
    pair.client.write(sids[0]!, patternAt(1, 0, 500), pair.now);
    pair.run(120_000, () => pair.clientEvents.some(({ type }) => type === 'abandoned'));
    pair.run(1000);
    const before = pair.down.length;
    pair.arrive(late!);
    const [answer] = pair.down.slice(before);
    expect(answer?.packet).toMatchObject({ answers: late!.packet.n });
    expect(answer?.packet.segments).toBeUndefined();
    expect(pair.drain('node', sids[0]!).bytes).toEqual([...patternAt(1, 0, 500)]);
    // What the target says next goes with an exchange that somebody waits for.
    const at = pair.now;
    pair.node.write(sids[0]!, patternAt(2, 0, 10), at);
    pair.run(1000, () => pair.clientEvents.some(({ type }) => type === 'readable'));
    expect(pair.now - at).toBeLessThanOrEqual(50);
  });
});

describe('answers in any order', () => {
  test('are taken as they come: an exchange that takes its time holds up no other', () => {
    const { pair, sids } = quiet(2);
    pair.onNodeEvent = (event) => {
      if (event.type !== 'readable') return;
      const { bytes } = pair.drain('node', event.sid);
      pair.node.write(event.sid, Uint8Array.from(bytes), pair.now);
    };
    let slow: Sent | undefined;
    pair.fate = (sent) => {
      if (sent.direction === 'down' || bytesOf(sent.packet) === 0) return 'deliver';
      slow ??= sent;
      return slow === sent ? { delayMs: 3000 } : 'deliver';
    };
    const has = (sid: number) => pair.clientEvents.some((event) => event.type === 'readable' && event.sid === sid);
    const at = pair.now;
    pair.client.write(sids[0]!, patternAt(1, 0, 10), at);
    pair.run(10);
    pair.client.write(sids[1]!, patternAt(2, 0, 10), pair.now);
    pair.run(20_000, () => has(sids[1]!));
    expect(pair.now - at).toBeLessThan(300);
    expect(slow!.packet.segments!.map(({ sid }) => sid)).toEqual([sids[0]]);
    pair.run(20_000);
    expect(pair.drain('client', sids[0]!).bytes).toEqual([...patternAt(1, 0, 10)]);
    expect(pair.drain('client', sids[1]!).bytes).toEqual([...patternAt(2, 0, 10)]);
  });
});

describe('a failed exchange', () => {
  test('goes over another relay where there is one', () => {
    const { pair, sids } = quiet(1, RELAYS);
    let broken: string | undefined;
    const tried: Array<{ path: string; at: number }> = [];
    pair.fate = (sent) => {
      if (sent.direction === 'down') return 'deliver';
      if (bytesOf(sent.packet) > 0) {
        broken ??= sent.path;
        tried.push(sent);
      }
      return sent.path === broken ? 'fail' : 'deliver';
    };
    pair.client.write(sids[0]!, patternAt(1, 0, 500), pair.now);
    pair.run(10_000, () => pair.nodeEvents.some(({ type }) => type === 'readable'));
    expect(tried.map(({ path }) => path === broken)).toEqual([true, false]);
    expect(tried[1]!.at - tried[0]!.at).toBeLessThanOrEqual(51);
  });

  test('that never left is not reported to the node', () => {
    const { pair, sids } = quiet(1);
    pair.client.write(sids[0]!, patternAt(1, 0, 10), pair.now);
    const { packet, path } = pair.client.pollTransmit(pair.now)!;
    pair.client.exchangeFailed(path, packet.n, pair.now, { sent: false });
    pair.run(5000);
    expect(pair.up.some(({ packet: { lost } }) => lost !== undefined)).toBe(false);
    expect(pair.drain('node', sids[0]!).bytes).toEqual([...patternAt(1, 0, 10)]);
  });
});

describe('a relay thirty times slower', () => {
  test('carries no bytes of a page while a quick one has a place', () => {
    const { pair, sids } = quiet(1, { quick: { paired: true, delayMs: 50 }, slow: { paired: true, delayMs: 1500 } });
    const before = pair.log.length;
    for (let round = 0; round < 20; round++) {
      pair.client.write(sids[0]!, patternAt(1, 300 * round, 300), pair.now);
      pair.run(300);
    }
    const sent = pair.log.slice(before).filter(({ direction, packet }) => direction === 'up' && bytesOf(packet) > 0);
    expect(new Set(sent.map(({ path }) => path))).toEqual(new Set(['quick']));
  });
});

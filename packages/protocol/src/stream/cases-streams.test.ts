/** What hosts, programs and relays do to streams, case by case. `scripts/mutants/cases.mjs` plants a fault for each. */
import { describe, expect, test } from 'vitest';

import { AssociationTable } from './association-table.js';
import type { PacketValue } from './packet.js';
import { bulkFigures, MIB, ratedPair } from './sim/figures.js';
import { CID, Pair } from './sim/pair.js';
import { patternAt } from './sim/pattern.js';
import { Traffic } from './sim/traffic.js';

describe('32 opens to unreachable hosts', () => {
  test('leave the speed of a download and the times of other opens as they were', () => {
    const run = (dead: number) => {
      const pair = ratedPair({ rttMs: 50, mbps: 100 });
      const traffic = new Traffic(pair);
      const open = () => {
        const fresh = traffic.start({ upBytes: 0, downBytes: 0, rounds: 1, waitsForOpen: true });
        pair.run(60_000, () => fresh.finishedAt !== undefined);
        return fresh.finishedAt! - fresh.startedAt;
      };
      const download = traffic.start({ upBytes: 0, downBytes: 32 * MIB });
      pair.run(1000);
      for (let index = 0; index < dead; index++) traffic.start({ upBytes: 0, downBytes: 0, dialMs: 'never' });
      pair.run(500);
      const besideMs = open();
      pair.run(60_000, () => download.finishedAt !== undefined);
      pair.run(5000);
      return { downloadMs: download.finishedAt! - download.startedAt, besideMs, afterMs: open() };
    };
    const [alone, beside] = [run(0), run(32)];
    expect(beside.downloadMs).toBeLessThanOrEqual(alone.downloadMs / 0.95);
    expect(beside.besideMs).toBeLessThanOrEqual(alone.besideMs * 1.25);
    expect(beside.afterMs).toBeLessThanOrEqual(alone.afterMs * 1.1);
  });
});

describe('the held exchange', () => {
  test('is one for all streams that are idle, and there again after each release', () => {
    const pair = new Pair({ paths: { relay: { paired: true, delayMs: 50, holdMs: 30_000, startHoldMs: 30_000 } } });
    const sids = Array.from({ length: 50 }, () => pair.open());
    pair.run(60_000);
    const open = () => {
      const answered = new Set(pair.down.map(({ packet }) => packet.answers));
      return pair.up.filter(({ packet }) => !answered.has(packet.n));
    };
    for (const sid of [sids[7]!, sids[31]!]) {
      expect(open().map(({ packet }) => packet.hold)).toEqual([30_000]);
      const at = pair.now;
      pair.node.write(sid, patternAt(sid, 0, 10), at);
      pair.run(1000, () => pair.clientEvents.some((event) => event.type === 'readable' && event.sid === sid));
      expect(pair.now - at).toBe(50);
      pair.drain('client', sid);
      pair.run(90_000);
    }
  });
});

describe('the hold of a relay', () => {
  // What takes longer is cut. The shortest lies far below half of the first hold.
  test.each([6000, 20_000])(
    'that bears %i ms grows after each one that ran to its end, is halved after a cut, and is there to be remembered',
    (bearsMs) => {
      const options = { paired: true, delayMs: 50, holdMs: 60_000 };
      const pair = new Pair({ paths: { relay: options } });
      let cuts = 0;
      const answered = new Set<number>();
      pair.fate = ({ at, direction, packet }) => {
        if (direction === 'down') {
          if (pair.now < pair.up.find((sent) => sent.packet.n === packet.answers)!.at + bearsMs)
            answered.add(packet.answers!);
          return answered.has(packet.answers!) ? 'deliver' : 'lose';
        }
        pair.clock.after(at + bearsMs - pair.now, () => {
          if (answered.has(packet.n)) return;
          cuts++;
          pair.client.exchangeFailed('relay', packet.n, pair.now);
        });
        return 'deliver';
      };
      pair.open();
      pair.run(3_600_000);
      const long = pair.up.filter(({ at, packet }) => at > 300_000 && packet.hold! * 4 >= bearsMs);
      expect(cuts).toBeGreaterThan(1);
      expect(cuts).toBeLessThan(long.length / 2);
      expect(Math.max(...long.map(({ packet }) => packet.hold!))).toBeLessThanOrEqual(bearsMs * 1.5);
      // What it bears is at hand, and is where the next run begins.
      const holdMs = pair.client.holdMs('relay')!;
      expect(holdMs).toBeGreaterThanOrEqual(bearsMs / 4);
      expect(holdMs).toBeLessThanOrEqual(bearsMs * 1.5);
      const next = new Pair({ paths: { relay: { ...options, startHoldMs: holdMs } } });
      next.open();
      next.run(30_000);
      expect(next.up.map(({ packet }) => packet.hold)).toContain(Math.floor(holdMs));
    },
  );
});

describe('an upload', () => {
  test('has no fixed window and waits for no drain: it fills a long path as a download does', () => {
    const share = (direction: 'up' | 'down') =>
      bulkFigures(ratedPair({ rttMs: 200, mbps: 100 }), 64 * MIB, direction).share;
    const [up, down] = [share('up'), share('down')];
    expect(up).toBeGreaterThanOrEqual(0.6);
    expect(up).toBeGreaterThanOrEqual(0.8 * down);
  });
});

describe('a flow', () => {
  test('hands each datagram on once with its address, however often packets come', () => {
    const pair = new Pair();
    const sid = pair.open(1);
    pair.run(3000);
    for (let n = 0; n < 5; n++) {
      pair.client.sendDatagram(sid, { d: patternAt(n, 0, 40), host: `h${n}`, port: 1000 + n }, pair.now);
    }
    pair.run(1000);
    // As a relay repeats a request, and as a late copy under another number.
    for (const sent of pair.up) pair.arrive({ ...sent, packet: { ...sent.packet, n: sent.packet.n + 1000 } });
    const got = [];
    for (let next = pair.node.readDatagram(sid); next; next = pair.node.readDatagram(sid)) got.push(next);
    expect(got.map(({ host, port, d }) => [host, port, [...d]])).toEqual(
      [0, 1, 2, 3, 4].map((n) => [`h${n}`, 1000 + n, [...patternAt(n, 0, 40)]]),
    );
  });
});

describe('a client that is started again', () => {
  test('has an association of its own, and what it opened before is cut when it was silent for 120 s', () => {
    const table = new AssociationTable(Uint8Array.from({ length: 8 }, () => 7));
    const open = { host: 'h', port: 1, kind: 0 };
    const packet = (cid: Uint8Array, n: number): PacketValue => ({
      n,
      cid,
      hold: 0,
      max: 65_536,
      segments: [{ sid: 0, open }],
    });
    const [before, after] = [CID, CID.map((byte) => byte ^ 1)];
    const old = table.associate('key', packet(before, 0), 0)!;
    old.handleExchange(0, packet(before, 0), 0);
    const fresh = table.associate('key', packet(after, 0), 1000)!;
    fresh.handleExchange(1, packet(after, 0), 1000);
    expect(fresh).not.toBe(old);
    expect([old.inspect().length, fresh.inspect().length]).toEqual([1, 1]);
    expect(table.pollTimeout()).toBe(120_000);
    expect(table.sweep(119_999)).toEqual([]);
    expect(table.sweep(120_000)).toEqual([old]);
    const events = [];
    for (let event = old.pollEvent(); event; event = old.pollEvent()) events.push(event);
    expect(events).toContainEqual({ type: 'reset', sid: 0, code: 'CLIENT_GONE' });
    expect(fresh.inspect()).toHaveLength(1);
  });
});

import { describe, expect, test } from 'vitest';

import { bulkFigures, jain, MIB, ratedPair, ratedRelay, tell } from './figures.js';
import { Pair } from './pair.js';
import { Traffic } from './traffic.js';

/** Mbit/s of each leg and direction. */
const RATE = { mbps: 100 };
/** Silent losses, doubled and cut exchanges. */
const FAULTS = { requestLost: 0.05, responseLost: 0.05, doubled: 0.02, truncated: 0.01 };

// All relays take in whole bodies before they pass them on. On `fifo` legs each body waits for those before it, on
// `shared` ones all go on in turn: exchanges that begin together then fill one leg after the other.
describe.each(['down', 'up'] as const)('%s', (direction) => {
  test.each([
    ['fifo', 30, 0.89],
    ['fifo', 4, 0.78],
    ['fifo', 1, 0.36],
    ['shared', 30, 0.83],
    ['shared', 4, 0.7],
    ['shared', 1, 0.35],
  ] as const)('64 MiB from cold over 100 Mbit/s at 200 ms, %s, %i places', (order, concurrency, least) => {
    const figures = bulkFigures(ratedPair({ rttMs: 200, ...RATE, order }, { concurrency }), 64 * MIB, direction);
    tell(`${direction}, 200 ms, ${order}, ${concurrency} places`, figures);
    expect(figures.share).toBeGreaterThanOrEqual(least);
  });

  test.each([
    ['fifo', 0.87],
    ['shared', 0.8],
  ] as const)('a fresh stream on a warm path is soon as quick as the last one, %s', (order, least) => {
    const pair = ratedPair({ rttMs: 200, ...RATE, order });
    bulkFigures(pair, 64 * MIB, direction);
    const figures = bulkFigures(pair, 64 * MIB, direction);
    tell(`${direction}, 200 ms, warm, ${order}`, figures);
    expect(figures.share).toBeGreaterThanOrEqual(least);
  });

  // As an application sees it that has to connect first: two round trips pass before the first byte is under way.
  test.each([
    ['fifo', false, 0.85],
    ['shared', false, 0.85],
    ['random', false, 0.85],
    ['fifo', true, 0.87],
    ['shared', true, 0.87],
    ['random', true, 0.87],
  ] as const)('64 MiB after a connect, client far from its relay, %s, text %s', (order, text, least) => {
    const pair = ratedPair({ rttMs: 200, ...RATE, order, text, clientShare: 1 });
    const shares = [1, 2, 3].map(() => {
      const { share, silenceMs } = bulkFigures(pair, 64 * MIB, direction, true);
      tell(`${direction}, after a connect, ${order}${text ? ', text' : ''}`, { share, silenceMs });
      return share;
    });
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(least);
  });

  test.each([
    ['fifo', 0.78],
    ['shared', 0.55],
  ] as const)('64 MiB where each exchange takes up to 200 ms more, %s', (order, least) => {
    const { share } = bulkFigures(ratedPair({ rttMs: 200, ...RATE, order, jitterMs: 200 }), 64 * MIB, direction);
    tell(`${direction}, jitter, ${order}`, { share });
    expect(share).toBeGreaterThanOrEqual(least);
  });

  test.each([
    ['fifo', 0.97],
    ['shared', 0.88],
  ] as const)('256 MiB as text over 100 Mbit/s at 2 s, %s', (order, least) => {
    const figures = bulkFigures(ratedPair({ rttMs: 2000, ...RATE, order, text: true }), 256 * MIB, direction);
    tell(`${direction}, 2 s, text, ${order}`, figures);
    expect(figures.steady).toBeGreaterThanOrEqual(least);
  });

  test.each(['fifo', 'shared'] as const)('silent losses cost at most two fifths, %s', (order) => {
    const clean = bulkFigures(ratedPair({ rttMs: 200, ...RATE, order }), 64 * MIB, direction);
    const shares: number[] = [];
    for (const seed of [1, 2, 3, 4, 5, 6, 7]) {
      const pair = ratedPair({ rttMs: 200, ...RATE, order, ...FAULTS, seed });
      const figures = bulkFigures(pair, 64 * MIB, direction);
      const ofClean = figures.share / clean.share;
      tell(`${direction}, lossy, ${order}, seed ${seed}`, { ofClean, silenceMs: figures.silenceMs });
      shares.push(ofClean);
    }
    shares.sort((left, right) => left - right);
    // A loss at the very start, when nothing is known of the path, costs a second of the seven.
    expect(shares[0]).toBeGreaterThanOrEqual(0.55);
    expect(shares[3]).toBeGreaterThanOrEqual(0.65);
  });

  test.each(['fifo', 'shared'] as const)('a relay of 6 s beside one of 200 ms costs nothing, %s', (order) => {
    const quick = ratedRelay({ rttMs: 200, ...RATE, order });
    const slow = ratedRelay({ rttMs: 6000, ...RATE, order });
    const alone = bulkFigures(new Pair({ paths: { quick }, keepsLog: false }), 64 * MIB, direction);
    const both = bulkFigures(new Pair({ paths: { quick, slow }, keepsLog: false }), 64 * MIB, direction);
    tell(`${direction}, unequal, ${order}`, { ofAlone: both.share / alone.share });
    // On shared legs every change of what begins when moves the figure by some per cent, either way.
    expect(both.share / alone.share).toBeGreaterThanOrEqual(order === 'fifo' ? 0.99 : 0.95);
  });

  test('32 streams of 4 MiB share evenly, and are no slower than one', () => {
    const pair = ratedPair({ rttMs: 200, ...RATE });
    const traffic = new Traffic(pair);
    const bytes = { upBytes: direction === 'up' ? 4 * MIB : 0, downBytes: direction === 'down' ? 4 * MIB : 0 };
    const streams = Array.from({ length: 32 }, () => traffic.start(bytes));
    traffic.finish();
    const fairness = jain(streams.map(({ finishedAt }) => 1 / finishedAt!));
    const share = (32 * 4 * MIB) / pair.now / (RATE.mbps * 125);
    const one = bulkFigures(ratedPair({ rttMs: 200, ...RATE }), 64 * MIB, direction);
    tell(`${direction}, 32 streams`, { fairness, share, one: one.share });
    expect(fairness).toBeGreaterThanOrEqual(0.95);
    // A transfer of few large bodies gains a little from each of them.
    expect(share).toBeGreaterThanOrEqual(0.99 * one.share);
  });

  test.each([0.4, 100])('64 MiB at %d ms take few requests more than the fewest that could carry them', (rttMs) => {
    const { requests } = bulkFigures(ratedPair({ rttMs, mbps: 4000 }), 64 * MIB, direction);
    tell(`${direction}, cost at ${rttMs} ms`, { requests, ofFewest: requests / 16 });
    // At 100 ms the first requests are small, since nothing is known of the path yet.
    expect(requests / 16).toBeLessThanOrEqual(rttMs < 1 ? 1.3 : 2.2);
  });

  test('an echo of one byte beside saturating bulk waits little', () => {
    for (const order of ['fifo', 'shared'] as const) {
      const pair = ratedPair({ rttMs: 50, ...RATE, order });
      const traffic = new Traffic(pair);
      const endless = 1024 * MIB;
      const bulk = traffic.start({
        upBytes: direction === 'up' ? endless : 0,
        downBytes: direction === 'down' ? endless : 0,
      });
      pair.run(4000);
      const before = { at: pair.now, read: bulk.read.client + bulk.read.node };
      const echo = traffic.start({ upBytes: 0, downBytes: 0, rounds: 200 });
      pair.run(120_000, () => echo.finishedAt !== undefined);
      const sorted = echo.roundMs.toSorted((left, right) => left - right);
      const share = (bulk.read.client + bulk.read.node - before.read) / (pair.now - before.at) / (RATE.mbps * 125);
      tell(`echo beside ${direction}, ${order}`, { p50: sorted[100], p99: sorted[197], most: sorted[199], share });
      // Over the 50 ms that it takes alone; upload pieces are in flight already when it comes to be known.
      expect(sorted[197]! - 50).toBeLessThanOrEqual(direction === 'down' ? 100 : 150);
      expect(share).toBeGreaterThanOrEqual(0.75);
    }
  });
});

test.each([
  [8, false, 2.2],
  [30, false, 2.2],
  [8, true, 3.5],
  [30, true, 3.5],
] as const)('50 streams of two round trips each at 2 s, %i places, connect first: %s', (concurrency, waits, most) => {
  for (const dialMs of [0, 30]) {
    const pair = ratedPair({ rttMs: 2000, ...RATE }, { concurrency });
    const traffic = new Traffic(pair);
    const talk = { upBytes: 0, downBytes: 0, rounds: 2, askBytes: 400, answerBytes: 8000, waitsForOpen: waits };
    for (let index = 0; index < 50; index++) {
      pair.clock.after(index, () => {
        traffic.start({ ...talk, dialMs: (dialMs * ((index * 7) % 50)) / 50 });
        pair.pump();
      });
    }
    pair.run(100);
    traffic.finish();
    tell(`page, ${concurrency} places, dials up to ${dialMs} ms`, { trips: pair.now / 2000, requests: pair.requests });
    expect(pair.now / 2000).toBeLessThanOrEqual(most);
  }
});

test('an echo on a fresh stream takes two round trips, connect included, one after the other or beside dead hosts', () => {
  for (const dead of [0, 32]) {
    const pair = ratedPair({ rttMs: 2, mbps: 1000 });
    const traffic = new Traffic(pair);
    for (let index = 0; index < dead; index++) traffic.start({ upBytes: 0, downBytes: 0, dialMs: 'never' });
    pair.run(1000);
    const took: number[] = [];
    const before = pair.requests;
    for (let index = 0; index < 50; index++) {
      const at = pair.now;
      const echo = traffic.start({ upBytes: 0, downBytes: 0, rounds: 1, waitsForOpen: true, dialMs: 0.1 });
      pair.run(5000, () => echo.finishedAt !== undefined);
      took.push(pair.now - at);
    }
    took.sort((left, right) => left - right);
    tell('fresh echo', { p50: took[25], p98: took[48], requests: (pair.requests - before) / 50 });
    expect(took[25]).toBeLessThanOrEqual(5);
    expect(took[48]).toBeLessThanOrEqual(8);
  }
});

test('32 dials that never end cost a download nothing', () => {
  const run = (dead: number) => {
    const pair = ratedPair({ rttMs: 50, ...RATE });
    const traffic = new Traffic(pair);
    for (let index = 0; index < dead; index++) traffic.start({ upBytes: 0, downBytes: 0, dialMs: 'never' });
    const stream = traffic.start({ upBytes: 0, downBytes: 64 * MIB });
    traffic.finish();
    return stream.finishedAt! - stream.startedAt;
  };
  const share = run(0) / run(32);
  tell('dead hosts', { share });
  expect(share).toBeGreaterThanOrEqual(0.95);
});

/** How long a stream of `total` bytes takes on a pair where `before` did something first, ms. */
function besides(direction: 'up' | 'down', total: number, before: (pair: Pair, traffic: Traffic) => void): number {
  const pair = ratedPair({ rttMs: 100, mbps: 400 });
  const traffic = new Traffic(pair);
  const bulk = { upBytes: direction === 'up' ? total : 0, downBytes: direction === 'down' ? total : 0 };
  // The path is known then.
  const first = traffic.start({ upBytes: 16 * MIB, downBytes: 16 * MIB });
  pair.run(60_000, () => first.finishedAt !== undefined);
  before(pair, traffic);
  const stream = traffic.start(bulk);
  pair.run(120_000, () => stream.finishedAt !== undefined);
  return (stream.finishedAt ?? Number.POSITIVE_INFINITY) - stream.startedAt;
}

test.each([50, 200, 400])('a download keeps its rate beside %i opens whose dials do not end', (opens) => {
  const run = (dead: number) =>
    besides('down', 64 * MIB, (pair, traffic) => {
      for (let count = 0; count < dead; count++) traffic.start({ upBytes: 0, downBytes: 0, dialMs: 'never' });
      pair.run(1000);
    });
  const share = run(0) / run(opens);
  tell(`beside ${opens} dials`, { share });
  expect(share).toBeGreaterThanOrEqual(0.95);
});

// The buffers of a system take in what a stalled application does not read; a slow one reads a little all the time.
describe.each(['down', 'up'] as const)('%s, beside streams whose readers are slow', (direction) => {
  test.each([
    ['20 that read nothing', 20, 0, 0],
    ['200 that read nothing', 200, 0, 0],
    ['20 that read nothing after 5 MiB', 20, 5 * MIB, 0],
    ['20 that read 50 KB/s after 2.5 MiB', 20, 2.5 * MIB, 50],
    ['10 that read 200 KB/s after 2.5 MiB', 10, 2.5 * MIB, 200],
    ['100 that read 10 KB/s after 512 KiB', 100, 0.5 * MIB, 10],
  ] as const)('%s', (name, count, takesBytes, rate) => {
    const alone = besides(direction, 50 * MIB, () => {});
    for (const together of [true, false]) {
      const beside = besides(direction, 50 * MIB, (pair, traffic) => {
        const endless = 1024 * MIB;
        const bulk = { upBytes: direction === 'up' ? endless : 0, downBytes: direction === 'down' ? endless : 0 };
        for (let index = 0; index < count; index++) {
          traffic.start({ ...bulk, slowReader: { takesBytes, rate } });
          if (!together) pair.run(500);
        }
        pair.run(10_000);
      });
      tell(`${direction}, beside ${name}${together ? '' : ', one after the other'}`, { share: alone / beside });
      expect(alone / beside).toBeGreaterThanOrEqual(0.32);
    }
  });
});

test('idle streams cost the same, however many, and at most 160 requests an hour', () => {
  const hour = (streams: number) => {
    const pair = new Pair({ paths: { relay: ratedRelay({ rttMs: 200 }, { startHoldMs: 30_000 }) }, keepsLog: false });
    const traffic = new Traffic(pair);
    for (let index = 0; index < streams; index++) traffic.start({ upBytes: 0, downBytes: 0, rounds: 1, stays: true });
    pair.run(60_000);
    const [relay] = pair.relays.values();
    const before = pair.requests;
    relay!.mostOpen = relay!.open;
    pair.run(3_600_000);
    expect(relay!.mostOpen).toBeLessThanOrEqual(1);
    return pair.requests - before;
  };
  const one = hour(1);
  tell('idle', { requestsAnHour: one });
  expect(one).toBeLessThanOrEqual(160);
  expect(hour(1000)).toBe(one);
});

import { afterAll, describe, expect, test } from 'vitest';

import type { LinkOptions } from '../../test/sim/link.js';
import { Pair, type PairOptions } from '../../test/sim/pair.js';
import { percentile, sendFrames } from '../../test/sim/traffic.js';

const rows: string[] = [];
afterAll(() => {
  process.stdout.write(`\nRecovery, frames of 50 KB, 60 a second, deadline 150 ms:\n${rows.join('\n')}\n\n`);
});

const path: LinkOptions = { delayMs: 20, rate: 12_500, queueBytes: 500_000 };
const FAULTS: readonly (readonly [string, LinkOptions, Partial<PairOptions>])[] = [
  ['no loss', path, {}],
  ['1 % loss', { ...path, loss: 0.01 }, {}],
  ['2 % loss', { ...path, loss: 0.02 }, {}],
  ['5 % loss', { ...path, loss: 0.05 }, {}],
  ['5 % in runs of 8', { ...path, loss: 0.05, burst: 8 }, {}],
  ['20 % reordered within 10 ms', { ...path, reorder: 0.2, reorderMs: 10 }, {}],
  ['2 % doubled', { ...path, duplicate: 0.02, reorderMs: 5 }, {}],
  ['all at once', { ...path, loss: 0.05, reorder: 0.2, reorderMs: 10, duplicate: 0.02 }, {}],
  ['clocks apart by 500 ppm', { ...path, loss: 0.01 }, { clientSkew: 0.0005, clientAheadMs: 1e9 }],
];

describe.each(FAULTS)('%s', (name, link, more) => {
  test.each([1, 2, 3])('seed %i: no wrong byte, and frames arrive in time', (seed) => {
    const pair = new Pair({ link, back: { ...link, rate: undefined }, seed, ...more });
    // The first second is for finding out what the path bears and loses.
    const warm = sendFrames(pair, { frames: 60, everyMs: 1000 / 60, bytes: 20_000, deadlineMs: 500 });
    pair.run(1000);
    const result = sendFrames(pair, { frames: 600, everyMs: 1000 / 60, bytes: 50_000, deadlineMs: 150 });
    pair.run(12_000);
    expect(warm.wrong + result.wrong).toBe(0);
    const { stats } = pair.client;
    const repair = pair.host.stats.repairBytesSent / pair.host.stats.bytesSent;
    rows.push(
      [
        name.padEnd(28),
        `seed ${seed}`,
        `${result.delivered} of 600`,
        `p50 ${percentile(result.latencies, 0.5).toFixed(0)} p99 ${percentile(result.latencies, 0.99).toFixed(0)} ms`,
        `by parity ${stats.shardsRecovered}, sent again ${stats.shardsRetransmitted}`,
        `repair ${(100 * repair).toFixed(1)} % of the wire`,
      ].join('  '),
    );
    // Runs of lost packets may be longer than any parity, and than what can be asked for in time.
    expect(result.delivered).toBeGreaterThanOrEqual((link.burst ?? 1) > 1 ? 595 : 599);
    expect(stats.packetsMalformed + stats.packetsNotAuthentic + stats.packetsForeign).toBe(0);
    expect(pair.host.stats.packetsMalformed).toBe(0);
  });
});

import { expect, test } from 'vitest';

import { Pair, type PairOptions } from './pair.js';
import { transfer } from './throughput.js';

const BYTES = 64 * 1_048_576;

const LINKS: Record<string, NonNullable<PairOptions['paths']>> = {
  'relay, 0.4 ms': { relay: { paired: true, delayMs: 0.2 } },
  'relay, 100 ms': { relay: { paired: true, delayMs: 50 } },
  'relay, 2 s': { relay: { paired: true, delayMs: 1000 } },
  'websocket, 50 ms': { ws: { paired: false, ordered: true, delayMs: 25, maxRequestBytes: 65_536 } },
  'udp, 50 ms': { udp: { paired: false, delayMs: 25, maxRequestBytes: 1200 } },
};

test('bulk fills its exchanges, and what both engines cost for it is printed', { timeout: 120_000 }, () => {
  for (const [name, paths] of Object.entries(LINKS)) {
    for (const direction of ['down', 'up'] as const) {
      const before = process.cpuUsage();
      const { virtualMs, requests } = transfer(new Pair({ paths, keepsLog: false }), BYTES, direction);
      const { user, system } = process.cpuUsage(before);
      const rate = BYTES / virtualMs / 1000;
      const cost = (user + system) / 1000 / (BYTES / 1_000_000);
      process.stdout.write(
        `${name}, ${direction}: ${rate.toFixed(1)} MB/s virtual, ${requests} packets up, ${cost.toFixed(3)} CPU s/GB\n`,
      );
      // On longer ways the first requests are small, since nothing is known of the path yet.
      if (name === 'relay, 0.4 ms') expect(requests).toBeLessThanOrEqual((1.4 * BYTES) / 4_194_304);
    }
  }
});

import { openFloorBed } from '../bed/floor-bed.js';
import { measureFloor } from './floor-baseline.js';
import { workerScenario } from './scenario.js';
import { MiB } from './sizes.js';

/** What node, relay and client in Node can do at most, so that the ratio of a tunnel to it means something. */
export const relayFloor = workerScenario({
  name: 'relay-floor',
  about: 'node, relay and client that exchange bodies of one size and do nothing else',
  subject: 'relay-floor',
  comparable: false,
  variants: ({ quick }) => {
    const bytes = quick ? 2 * MiB : 128 * MiB;
    const sizes = quick ? [MiB] : [64 * 1024, MiB, 4 * MiB];
    return (['text', 'bytes'] as const).flatMap((encoding) =>
      (quick ? (['down'] as const) : (['down', 'up'] as const)).flatMap((direction) =>
        sizes.map((bodyBytes) => ({ encoding, direction, bodyBytes, inFlight: 2, bytes })),
      ),
    );
  },
  open: async (context, params) => {
    const bed = await openFloorBed(context);
    return { measure: () => measureFloor(bed, params), close: () => bed.close() };
  },
});

import type { BenchFigures } from '@millrace/protocol';
import { openFloorBed } from '../bed/floor-bed.js';
import { startMeter } from '../run/meter.js';
import type { Baseline, Measurement } from './scenario.js';
import { MiB } from './sizes.js';

/** Parameters that a floor needs to move the same. */
export interface FloorParams {
  [name: string]: string | number | boolean;
  level: 1 | 2;
  streams: number;
  bytes: number;
  encoding: 'text' | 'bytes';
}

/** Where the wire could not be read: bodies as large as relays take, two at once. */
const DEFAULT_BODY_BYTES = 4 * MiB;
const DEFAULT_IN_FLIGHT = 2;
const MAX_IN_FLIGHT = 8;

/** The bare loop, moving as much in bodies of the mean size that the tunnel has just used, as many at once. */
export function floorBaseline<P extends FloorParams>(direction: 'down' | 'up'): Baseline<P> {
  return {
    name: 'relay-floor',
    open: async (context, _lab, { streams, bytes, encoding }) => {
      const bed = await openFloorBed(context);
      return {
        measure: (own) =>
          measureFloor(bed, { direction, bytes: streams * bytes, encoding, ...shapeOf(own, streams * bytes) }),
        close: () => bed.close(),
      };
    },
  };
}

function shapeOf(
  { requests, mostInFlight = DEFAULT_IN_FLIGHT }: BenchFigures,
  payload: number,
): { bodyBytes: number; inFlight: number } {
  const bodyBytes = requests ? Math.max(1024, Math.ceil(payload / requests)) : Math.min(payload, DEFAULT_BODY_BYTES);
  return { bodyBytes, inFlight: Math.max(1, Math.min(MAX_IN_FLIGHT, mostInFlight)) };
}

/** One run of the floor. */
export async function measureFloor(
  { client, measured }: Awaited<ReturnType<typeof openFloorBed>>,
  run: { direction: 'down' | 'up'; bytes: number; bodyBytes: number; encoding: 'text' | 'bytes'; inFlight: number },
): Promise<Measurement> {
  const meter = await startMeter({ measured });
  const { seconds, exchanges, problems } = await client.call('run', run, 600_000);
  return {
    figures: { seconds, MBps: run.bytes / 1e6 / seconds, requests: exchanges, ...(await meter(run.bytes)) },
    problems,
  };
}

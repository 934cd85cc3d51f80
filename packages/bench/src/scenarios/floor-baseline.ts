import type { BenchFigures } from '@millrace/protocol';
import { openFloorBed } from '../bed/floor-bed.js';
import { startMeter } from '../run/meter.js';
import type { Baseline, Measurement } from './scenario.js';
import { MiB } from './sizes.js';

/** Parameters that a floor needs to move the same. */
export interface FloorParams {
  [name: string]: string | number | boolean;
  streams: number;
  bytes: number;
  encoding: 'text' | 'bytes';
}

/** Exchanges that level 1 keeps in flight for one active stream by default; what the floor is given too. */
const IN_FLIGHT_PER_STREAM = 2;
const MAX_IN_FLIGHT = 8;
/** Where the wire could not be read, bodies of what level 1 puts into a batch. */
const DEFAULT_BODY_BYTES = 4 * MiB;

/** The bare loop, moving as much in bodies of the mean size that the tunnel has just used. */
export function floorBaseline<P extends FloorParams>(direction: 'down' | 'up'): Baseline<P> {
  return {
    name: 'relay-floor',
    open: async (context, _lab, { streams, bytes, encoding }) => {
      const bed = await openFloorBed(context);
      return {
        measure: (own) =>
          measureFloor(bed, { direction, bytes: streams * bytes, encoding, ...shapeOf(own, streams, streams * bytes) }),
        close: () => bed.close(),
      };
    },
  };
}

function shapeOf(
  { requests }: BenchFigures,
  streams: number,
  payload: number,
): { bodyBytes: number; inFlight: number } {
  const bodyBytes = requests ? Math.max(1024, Math.ceil(payload / requests)) : Math.min(payload, DEFAULT_BODY_BYTES);
  return { bodyBytes, inFlight: Math.min(MAX_IN_FLIGHT, streams * IN_FLIGHT_PER_STREAM) };
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

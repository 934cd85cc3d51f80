import type { SimulatorSettings } from '@millrace/testkit';
import { payloadOf, type Encoding } from './sizes.js';

/** One relay behind a slow link. */
export interface Legs {
  /** Round trip between client and relay. */
  rttMs?: number;
  /** Round trip between relay and node. Default 0. */
  nodeRttMs?: number;
  /** Megabits a second of each leg and direction, all connections together, HTTP included. Default: without limit. */
  rateMbps?: number;
}

/** The simulated relay with these legs. */
export function simulatorOf({ rttMs = 0, nodeRttMs = 0, rateMbps = 0 }: Legs): SimulatorSettings {
  const leg = (roundTripMs: number) => {
    const direction = { delayMs: { fixed: roundTripMs / 2 }, rateMbps };
    return { up: direction, down: direction };
  };
  return { clientLeg: leg(rttMs), nodeLeg: leg(nodeRttMs) };
}

/** What a rate lets through as payload in an encoding, in 10^6 bytes a second. */
export const allowedMBps = (rateMbps: number, encoding: Encoding): number => payloadOf(encoding, rateMbps / 8);

/** Seconds that so many bytes take at a rate, about: at the begin, and where bytes are lost, there is less. */
export const secondsAt = (bytes: number, rateMbps: number, encoding: Encoding): number =>
  bytes / 1e6 / (USUAL_SHARE * allowedMBps(rateMbps, encoding));
const USUAL_SHARE = 0.75;

/** What the lossy relay does to requests and answers: all that is lost is lost in silence. */
export const LOSSES = { requestLost: 0.05, responseLost: 0.05, doubled: 0.02, responseTruncated: 0.01 } as const;

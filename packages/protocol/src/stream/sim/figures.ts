import type { PathOptions } from '../options.js';
import { Pair, type SimPath } from './pair.js';
import type { RatedRelayOptions } from './rated-relay.js';
import { Traffic } from './traffic.js';

export const MIB = 1_048_576;
/** Head of a body: form and token. */
const BODY_HEAD_BYTES = 33;

/** A relay of an account with 30 places, whose bodies may have 4 MiB as they travel. */
export function ratedRelay(relay: RatedRelayOptions, path: Partial<PathOptions> = {}): SimPath {
  const largest = (relay.text === true ? 3 * MIB : 4 * MIB) - BODY_HEAD_BYTES;
  const sizes = { maxRequestBytes: largest, maxResponseBytes: largest };
  return { paired: true, holdMs: 30_000, concurrency: 30, ...sizes, ...path, relay };
}

export function ratedPair(relay: RatedRelayOptions, path?: Partial<PathOptions>): Pair {
  return new Pair({ paths: { relay: ratedRelay(relay, path) }, keepsLog: false });
}

/** What a transfer of one stream came to. */
export interface BulkFigures {
  /** Share of what the rate allows in this encoding: over all of it, and over the last three quarters. */
  share: number;
  steady: number;
  /** When a quarter was there, ms after the start. */
  quarterAt: number;
  /** Longest time without a byte, ms. */
  silenceMs: number;
  requests: number;
  mostOpen: number;
}

/**
 * Moves `total` bytes on one stream, connect included: from cold, or on a pair that carried something before. `connects`: the
 * application waits until the stream is open, and asks for a download.
 */
export function bulkFigures(pair: Pair, total: number, direction: 'up' | 'down', connects = false): BulkFigures {
  const traffic = new Traffic(pair);
  const [relay] = Object.values(pair.paths).map((path) => path.relay);
  const end = direction === 'down' ? 'client' : 'node';
  let got = 0;
  let quarterAt = 0;
  const startedAt = pair.now;
  let last = startedAt;
  let silenceMs = 0;
  traffic.onRead = (_, reader, bytes) => {
    if (reader !== end) return;
    got += bytes;
    if (quarterAt === 0 && got >= total / 4) quarterAt = pair.now;
    silenceMs = Math.max(silenceMs, pair.now - last);
    last = pair.now;
  };
  const bulk = { upBytes: direction === 'up' ? total : 0, downBytes: direction === 'down' ? total : 0 };
  const asks = { ...bulk, downBytes: 0, rounds: 1, askBytes: 40, answerBytes: total, waitsForOpen: true, lateMs: 1 };
  if (!connects) traffic.start(bulk);
  else traffic.start(direction === 'down' ? asks : { ...bulk, waitsForOpen: true, lateMs: 1 });
  traffic.finish();
  if (got !== total) throw new Error(`${got} of ${total} bytes arrived`);
  const allowed = (relay?.mbps ?? Number.POSITIVE_INFINITY) * 125 * (relay?.text === true ? 0.75 : 1);
  const [{ mostOpen } = { mostOpen: 0 }] = pair.relays.values();
  return {
    share: total / (last - startedAt) / allowed,
    steady: (total * 0.75) / (last - quarterAt) / allowed,
    quarterAt: quarterAt - startedAt,
    silenceMs,
    requests: pair.requests,
    mostOpen,
  };
}

/** Fairness of rates (Jain, Chiu and Hawe, 1984): 1 when all are equal. */
export function jain(rates: readonly number[]): number {
  const sum = rates.reduce((total, rate) => total + rate, 0);
  return sum ** 2 / (rates.length * rates.reduce((total, rate) => total + rate ** 2, 0));
}

/** One line of figures for people. */
export function tell(name: string, figures: object): void {
  const text = Object.entries(figures).map(([key, value]) => `${key} ${Math.round(Number(value) * 1000) / 1000}`);
  process.stdout.write(`${name}: ${text.join(', ')}\n`);
}

import { openTunnel, TunnelError } from '@millrace/client';
import { EventHub, type RelayEntry } from '@millrace/protocol';
import { adviceFor, MIN_MEASURED_BYTES } from './advice.js';
import { requestLimits } from './request-limit.js';
import { download, upload, type Moved } from './http-through.js';
import type { LiveError, LiveOptions, LivePart, LiveRelay, LiveReport } from './types.js';

const DEFAULT_MAX_REQUESTS = 500;
const DEFAULT_MAX_BYTES = 4 * 2 ** 20;
const DEFAULT_PROBES = 5;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Measures a user's own tunnel politely: one relay after the other, one thing at a time, bounded in bytes and time.
 * What fails is in the report.
 *
 * @throws TunnelError `CONFIG_INVALID` and others of `openTunnel`, for options that no tunnel can be opened with.
 */
export async function measureLive(options: LiveOptions): Promise<LiveReport> {
  const relays: LiveRelay[] = [];
  const { relays: entries = [], accounts = [] } = options.tunnel;
  const limits = requestLimits(entries, accounts, options.maxRequests ?? DEFAULT_MAX_REQUESTS);
  for (const [i, entry] of entries.entries()) {
    if (options.signal?.aborted) break;
    const result = await measureRelay(entry, options, limits[i] ?? DEFAULT_MAX_REQUESTS);
    relays.push(result);
    options.onRelay?.(result);
  }
  const requests = relays.reduce((sum, relay) => sum + relay.requests, 0);
  return { relays, requests, advice: adviceFor(relays, options) };
}

/** One relay, in a tunnel of its own, so that nothing of it is another's. */
async function measureRelay(entry: RelayEntry, options: LiveOptions, maxRequests: number): Promise<LiveRelay> {
  const { maxBytes = DEFAULT_MAX_BYTES, probes = DEFAULT_PROBES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const tooMany = new AbortController();
  const tooLong = AbortSignal.timeout(timeoutMs);
  const limits = [tooLong, tooMany.signal];
  const signal = AbortSignal.any(options.signal ? [...limits, options.signal] : limits);
  const result: LiveRelay = {
    relay: withoutSecrets(entry.url),
    kind: entry.kind ?? 'relay',
    works: false,
    errors: [],
    requests: 0,
    wireBytes: 0,
  };
  const events = new EventHub();
  events.subscribe((event) => {
    if (event.event === 'peer') result.level = event.level;
    if (event.event !== 'exchange') return;
    result.requests++;
    result.wireBytes += event.bytesIn + event.bytesOut;
    if (result.requests >= maxRequests) tooMany.abort(new Error(`stopped after ${maxRequests} requests`));
  });
  const tunnel = await openTunnel({ ...options.tunnel, relays: [entry], events, signal });
  const part = async (name: LivePart, run: () => Promise<void>): Promise<void> => {
    options.onPart?.(result.relay, name);
    try {
      await run();
    } catch (error) {
      result.errors.push({ part: name, ...reasonOf(error) });
    }
  };
  const reasonOf = (error: unknown): Omit<LiveError, 'part'> => {
    if (tooLong.aborted && signal.reason === tooLong.reason) {
      return { code: 'ABORTED', text: `not finished after ${timeoutMs / 1_000} s` };
    }
    if (signal.aborted) return { code: 'ABORTED', text: (signal.reason as Error).message };
    const text = (error as Error).message;
    return error instanceof TunnelError ? { code: error.code, text } : { text };
  };
  try {
    await part('latency', async () => {
      const timesMs: number[] = [];
      for (let i = 0; i < probes; i++) {
        const [probe] = await tunnel.probe({ signal });
        if (probe?.error) throw probe.error;
        if (probe) timesMs.push(probe.ms);
        if (probe?.peer) result.level ??= probe.peer.level;
      }
      result.works = true;
      timesMs.sort((a, b) => a - b);
      result.latencyMsP50 = timesMs[Math.ceil(timesMs.length / 2) - 1];
      result.latencyMsMax = timesMs.at(-1);
    });
    if (!result.works) return result;
    const directions = [
      ['download', options.download, download],
      ['upload', options.upload, upload],
    ] as const;
    for (const [name, url, move] of directions) {
      if (url === undefined) continue;
      await part(name, async () => {
        const before = result.requests;
        const moved: Moved = await move(tunnel, url, maxBytes, signal);
        result[`${name}MBps`] = moved.bytes / 1e3 / Math.max(moved.ms, 0.001);
        result[`${name}Bytes`] = moved.bytes;
        // What is over in one request says nothing about how much others carry.
        if (moved.bytes < MIN_MEASURED_BYTES) return;
        const perRequest = moved.bytes / Math.max(1, result.requests - before);
        result.payloadBytesPerRequest = Math.max(result.payloadBytesPerRequest ?? 0, perRequest);
      });
    }
    return result;
  } finally {
    await tunnel.close();
  }
}

/** Address without user, password and query: a token may be in each. */
function withoutSecrets(url: string): string {
  // What is wrong with it is said when the tunnel is opened.
  if (!URL.canParse(url)) return 'an address that is no URL';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

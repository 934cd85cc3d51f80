import type { LiveError, LiveOptions, LiveRelay } from './types.js';

/** A relay so many times slower than the quickest costs more than it brings. */
const SLOW_FACTOR = 10;
/** Beyond this round trip two ops in flight leave a stream waiting most of the time. */
const LONG_ROUND_TRIP_MS = 300;
/** A request that carries less than this wastes a quota that counts requests. */
const SMALL_PAYLOAD_BYTES = 64 * 1024;

/** Less is over before a rate shows. The least that can be asked for with `--bytes`. */
export const MIN_MEASURED_BYTES = 64 * 1024;

/** What to change, the most useful first. Every line names what it is about. */
export function adviceFor(relays: LiveRelay[], { tunnel, download, upload }: LiveOptions): string[] {
  const advice: string[] = [];
  const working = relays.filter(({ works }) => works);
  for (const { relay, works, errors } of relays) {
    const [error] = errors;
    if (!works && error) advice.push(`${relay} does not work (${errorText(error)}): repair it or take it out.`);
  }
  if (working.length === 0) return advice;
  const quickest = Math.min(...working.map(({ latencyMsP50 = Infinity }) => latencyMsP50));
  for (const { relay, latencyMsP50 = 0 } of working) {
    if (latencyMsP50 > quickest * SLOW_FACTOR) {
      advice.push(
        `${relay} is ${Math.round(latencyMsP50 / quickest)} times slower than the quickest: streams that meet it wait. Take it out unless it is a reserve.`,
      );
    }
  }
  const depth = tunnel.pipelineDepth ?? 2;
  // At level 2 the client finds out by itself how much to keep in flight.
  const fixedDepth = working.filter(({ level = 1 }) => level < 2);
  if (quickest > LONG_ROUND_TRIP_MS && depth < 8 && fixedDepth.length > 0) {
    advice.push(
      `Every round trip takes ${Math.round(quickest)} ms: raise pipelineDepth from ${depth} to ${Math.min(8, depth * 2)} for more throughput at the price of more requests.`,
    );
  }
  for (const { relay, payloadBytesPerRequest } of fixedDepth) {
    if (payloadBytesPerRequest !== undefined && payloadBytesPerRequest < SMALL_PAYLOAD_BYTES) {
      advice.push(
        `${relay} carried only ${Math.round(payloadBytesPerRequest / 1024)} KiB a request: where requests are counted, lower pipelineDepth.`,
      );
    }
  }
  if (working.length === 1) advice.push('One relay alone is a single point of failure: add one of another account.');
  const tooSmall = working.find(({ downloadBytes = Infinity }) => downloadBytes < MIN_MEASURED_BYTES)?.downloadBytes;
  if (tooSmall !== undefined) {
    const least = `${MIN_MEASURED_BYTES / 1024} KiB`;
    advice.push(
      `What was downloaded has only ${tooSmall} bytes, which shows no rate: give an address of ${least} or more.`,
    );
  }
  const missing = [
    ...(download === undefined ? ['an address to download from (--download)'] : []),
    ...(upload === undefined ? ['an address that takes a POST (--upload)'] : []),
  ];
  if (missing.length > 0) advice.push(`Give ${missing.join(' and ')}, to see throughput each way.`);
  return advice;
}

/** `CODE: why`, or why alone. */
export function errorText({ code, text }: Pick<LiveError, 'code' | 'text'>): string {
  return code === undefined ? text : `${code}: ${text}`;
}

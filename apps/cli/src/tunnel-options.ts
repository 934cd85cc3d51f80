import type { upSettings } from './settings/section.js';

/** The options that the tunnel takes over from `millrace up` as they are. */
export function tunnelOptions(settings: ReturnType<typeof upSettings>) {
  const { accounts, pipelineDepth, connectionsPerRelay, connectTimeoutMs, exchangeTimeoutMs } = settings;
  const { level, allowDowngrade } = settings;
  const { batchWaitMs, flowIdleSeconds, streamBufferBytes, timing, logTargets } = settings;
  const exchange = { pipelineDepth, connectionsPerRelay, connectTimeoutMs, exchangeTimeoutMs, batchWaitMs };
  return { accounts, level, allowDowngrade, ...exchange, flowIdleSeconds, streamBufferBytes, timing, logTargets };
}

import type { TunnelOptions } from '@millrace/client';
import { fileStore } from '@millrace/client/node';
import type { upSettings } from './settings/section.js';

/** The options that the tunnel takes over from `millrace up` as they are. */
export function tunnelOptions(settings: ReturnType<typeof upSettings>) {
  const { accounts, pipelineDepth, connectionsPerRelay, connectTimeoutMs, exchangeTimeoutMs } = settings;
  const { level, allowDowngrade } = settings;
  const { batchWaitMs, flowIdleSeconds, streamBufferBytes, timing, logTargets } = settings;
  const exchange = { pipelineDepth, connectionsPerRelay, connectTimeoutMs, exchangeTimeoutMs, batchWaitMs };
  return { accounts, level, allowDowngrade, ...exchange, flowIdleSeconds, streamBufferBytes, timing, logTargets };
}

/** Where the tunnel keeps what it should know after a restart, if anywhere. */
export function stateStore({
  stateFile,
}: Pick<ReturnType<typeof upSettings>, 'stateFile'>): Pick<TunnelOptions, 'store'> {
  return stateFile === '' ? {} : { store: fileStore(stateFile) };
}

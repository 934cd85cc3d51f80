import type { ErrorCode } from '@millrace/protocol';
import type { Tunnel } from '../tunnel/types.js';
import type { ResolvedProxyOptions } from './options.js';

/** What every part of one listener shares. */
export interface ProxyContext {
  readonly tunnel: Tunnel;
  readonly options: ResolvedProxyOptions;
  /** Called when the listener closes: a stream may live longer than its socket, while its end is on the way. */
  readonly closers: Set<() => void>;
  /** Tells that a program was turned away before anything was opened. */
  refuse(code: ErrorCode, message: string): void;
}

/** Makes the context of a listener. */
export function createContext(
  proxy: 'socks' | 'http' | 'forward',
  tunnel: Tunnel,
  options: ResolvedProxyOptions,
): ProxyContext {
  return {
    tunnel,
    options,
    closers: new Set(),
    refuse: (code, message) => tunnel.events.emit({ event: 'proxy-refused', proxy, code, message }),
  };
}

export { startForward } from './forward.js';
export { startHttpProxy } from './http/server.js';
export { PROXY_LIMITS } from './limits.js';
export type { ProxyListener } from './listener.js';
export type { ForwardOptions, ListenOptions, ProxyCredentials, ProxyOptions } from './options.js';
export { startSocks5 } from './socks5/server.js';

export { renderAppsScript, type AppsScriptOptions } from './apps-script/index.js';
export { RelayError } from './errors.js';
export { createFetchHandler, type FetchHandlerOptions } from './fetch/index.js';
export { startRelay, type Relay, type RelayOptions } from './node/index.js';

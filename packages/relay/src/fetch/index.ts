export { createFetchHandler, type FetchHandlerOptions } from './create-fetch-handler.js';
export type { Fetch } from './fetch-link.js';
export { RelayError } from '../errors.js';

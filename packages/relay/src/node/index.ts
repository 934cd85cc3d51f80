export { startRelay, type Relay, type RelayOptions } from './start-relay.js';
export { RelayError } from '../errors.js';

export { configSchema } from '../gen/config-schema.js';
export { checkKey } from './check-key.js';
export { parseForward, type Forward } from './forward.js';
export { parseConfig, resolveDoctor, resolveNode, resolveRelay, resolveUp } from './parse.js';
export type { Resolved } from './resolved.js';

export { measureLive } from './measure-live.js';
export type { LiveRelay, LiveReport } from './types.js';

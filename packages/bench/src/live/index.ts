export { adviceFor } from './advice.js';
export { measureLive } from './measure-live.js';
export type { LiveOptions, LiveRelay, LiveReport } from './types.js';

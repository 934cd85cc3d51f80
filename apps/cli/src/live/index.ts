export { errorText } from './advice.js';
export { measureLive } from './measure-live.js';
export type { LiveRelay, LiveReport } from './types.js';

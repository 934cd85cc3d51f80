export { errorText } from './advice.js';
export { measureLive } from './measure-live.js';
export { requestLimits } from './request-limit.js';
export type { LiveRelay, LiveReport } from './types.js';

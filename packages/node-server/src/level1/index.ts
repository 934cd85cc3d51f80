export { Level1 } from './level1.js';
export { Level1Exchanger } from './exchanger.js';
export type { BatchOutcome } from './batch.js';

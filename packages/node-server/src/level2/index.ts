export { Level2Exchanger } from './exchanger.js';
export { Level2 } from './level2.js';
export { TokenCheck } from './token-check.js';

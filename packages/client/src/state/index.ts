export { keepState } from './keep-state.js';
export { readAccounts, type KeptAccountStats } from './kept-accounts.js';
export type { KeptRelay } from './kept-state.js';
export type { StateKeeper } from './state-keeper.js';

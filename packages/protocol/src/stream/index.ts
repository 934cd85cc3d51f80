export { AssociationTable, type AssociationTableOptions } from './association-table.js';
export { ClientEngine, type ClientTransmit } from './client-engine.js';
export { STREAM_CODES } from './codes.js';
export { EPOCH_BYTES, NODE_ID_BYTES } from './epoch.js';
export type { StreamSummary } from './engine.js';
export { memoryBound, type MemoryLoad } from './memory.js';
export type { StreamEngineEvent } from './events.js';
export { NodeEngine, type NodeTransmit } from './node-engine.js';
export {
  resolveStreamOptions,
  type PathOptions,
  type ResolvedStreamOptions,
  type StreamEngineOptions,
} from './options.js';
export { KIND_FLOW, KIND_STREAM } from './packet.js';
export type { PathGate } from './relay-path.js';
export type { TimerTable } from './timers.js';

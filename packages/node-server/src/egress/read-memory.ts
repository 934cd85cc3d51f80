import { ReadMemory } from '@millrace/protocol';
import { NODE_LIMITS } from '../limits.js';

/** What connections to targets are read into. */
export const targetMemory = new ReadMemory({
  allocate: (bytes) => Buffer.allocUnsafeSlow(bytes),
  readBytes: NODE_LIMITS.readChunkBytes,
  maxSpareBytes: NODE_LIMITS.maxSpareReadBytes,
});

import { ReadMemory } from '@millrace/protocol';
import { NODE_LIMITS } from '../limits.js';

/**
 * What connections to targets are read into. Only reads that fill nearly all of a piece are kept in one that is used
 * again: what a stream holds may be counted by its bytes.
 */
export const targetMemory = new ReadMemory({
  allocate: (bytes) => Buffer.allocUnsafeSlow(bytes),
  readBytes: NODE_LIMITS.readChunkBytes,
  leastBytes: (NODE_LIMITS.readChunkBytes / 16) * 15,
  maxSpareBytes: NODE_LIMITS.maxSpareReadBytes,
});

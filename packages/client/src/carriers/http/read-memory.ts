import { ReadMemory } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../../limits.js';

/** What connections to relays are read into. Chunks of an answer's body are given back once they were copied to their place. */
export const answerMemory = new ReadMemory({
  allocate: (bytes) => Buffer.allocUnsafeSlow(bytes),
  leastBytes: 16_384,
  maxSpareBytes: CLIENT_LIMITS.maxSpareReadBytes,
});

/** Shorter chunks are copied all the same: that costs less than to remember them. */
const LEAST_BYTES = 4_096;

const givenAway = new WeakSet<Uint8Array>();

/** Says of a chunk that is written to a stream next that its bytes will never change: the stream keeps it, where it copies others. */
export function giveAway(chunk: Uint8Array): Uint8Array {
  if (chunk.byteLength >= LEAST_BYTES) givenAway.add(chunk);
  return chunk;
}

/** Whether a chunk may be kept. Not where it is a small part of its buffer, which would be kept with it. */
export function mayKeep(chunk: Uint8Array): boolean {
  return givenAway.has(chunk) && 2 * chunk.byteLength >= chunk.buffer.byteLength;
}

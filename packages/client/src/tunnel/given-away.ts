/** Shorter chunks are copied all the same: that costs less than to remember them. */
const LEAST_BYTES = 4_096;

const givenAway = new WeakSet<Uint8Array>();
const owners = new WeakMap<ArrayBufferLike, (chunk: Uint8Array) => void>();

/**
 * Says of a chunk that is written to a stream next that its bytes will never change: the stream keeps it, where it copies others.
 * `usedUp` may hear of it, or of a part of it, once the stream does not use that any more.
 */
export function giveAway(chunk: Uint8Array, usedUp?: (chunk: Uint8Array) => void): Uint8Array {
  if (chunk.byteLength < LEAST_BYTES) return chunk;
  givenAway.add(chunk);
  if (usedUp !== undefined) owners.set(chunk.buffer, usedUp);
  return chunk;
}

/** Whether a chunk may be kept. Not where it is a small part of its buffer, which would be kept with it. */
export function mayKeep(chunk: Uint8Array): boolean {
  return givenAway.has(chunk) && 2 * chunk.byteLength >= chunk.buffer.byteLength;
}

/** Tells who gave a chunk away that it is not used any more. */
export function tellUsedUp(chunk: Uint8Array): void {
  owners.get(chunk.buffer)?.(chunk);
}

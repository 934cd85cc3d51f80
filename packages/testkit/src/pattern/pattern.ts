/**
 * Bytes that are known by their position: the byte at a position of a stream is a pure function of position and seed, so
 * that a receiver checks each byte without the sender's buffer, whatever the framing was.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/**
 * Length after which the pattern repeats: the first prime above 16 MiB. Prime, so that no buffer size divides it, and
 * longer than anything that is buffered in one piece, so that a lost or repeated piece never lines up again.
 */
export const PATTERN_PERIOD = 16_777_259;

/** Multiplier that spreads seeds over the period. Any seeds that differ modulo the period start at different positions. */
const SEED_STEP = 1_000_003;

const SLICE_BYTES = 64 * 1024;

let prepared: Buffer | undefined;

/** One period of pseudo-random bytes, made at first use (about 20 ms, 16 MiB) and shared by all seeds. */
function block(): Buffer {
  if (prepared !== undefined) return prepared;
  const words = new Uint32Array(Math.ceil(PATTERN_PERIOD / 4));
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i += 1) {
    // xorshift32 (Marsaglia): its period of 2^32 - 1 is far beyond this block.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  prepared = Buffer.from(words.buffer, 0, PATTERN_PERIOD);
  return prepared;
}

function blockOffset(position: number, seed: number): number {
  return (position + (seed % PATTERN_PERIOD) * SEED_STEP) % PATTERN_PERIOD;
}

/** The byte (0 to 255) at `position` (from 0) of the pattern of `seed` (a whole number from 0). */
export function patternByte(position: number, seed: number): number {
  return block()[blockOffset(position, seed)]!;
}

/** Fills all of `buffer` with the pattern of `seed`, beginning at `position`. Returns `buffer`. */
export function fill<T extends Uint8Array>(buffer: T, position: number, seed: number): T {
  for (let done = 0; done < buffer.length;) {
    const piece = patternView(position + done, buffer.length - done, seed);
    buffer.set(piece, done);
    done += piece.length;
  }
  return buffer;
}

/** A new buffer of `bytes` bytes of the pattern, beginning at `position`. */
export function patternBytes(bytes: number, seed: number, position = 0): Buffer {
  return fill(Buffer.allocUnsafe(bytes), position, seed);
}

/**
 * A view of the pattern without a copy: at least one byte, at most `maxBytes`. Never write to it, nor hand it to
 * something that keeps or changes it: all patterns share it.
 */
export function patternView(position: number, maxBytes: number, seed: number): Buffer {
  const offset = blockOffset(position, seed);
  return block().subarray(offset, offset + maxBytes);
}

/** Where in the period `bytes` stand for this seed, as a position below the period; -1 when they are nowhere in it. */
export function findInPattern(bytes: Uint8Array, seed: number): number {
  const at = block().indexOf(bytes);
  return at === -1 ? -1 : (at - blockOffset(0, seed) + PATTERN_PERIOD) % PATTERN_PERIOD;
}

/** SHA-256 of the first `bytes` bytes of the pattern, in hex. */
export function patternSha256(bytes: number, seed: number): string {
  const hash = createHash('sha256');
  for (const piece of patternPieces(bytes, seed)) hash.update(piece);
  return hash.digest('hex');
}

/** The first `bytes` bytes of the pattern as a stream of chunks of at most 64 KiB, made as they are read. */
export function patternStream(bytes: number, seed: number): Readable {
  return Readable.from(patternPieces(bytes, seed), { objectMode: false, highWaterMark: SLICE_BYTES });
}

/** Views of the first `bytes` bytes of the pattern, at most 64 KiB each. The rule of {@link patternView} holds. */
export function* patternPieces(bytes: number, seed: number): Generator<Buffer, void, void> {
  for (let position = 0; position < bytes;) {
    const piece = patternView(position, Math.min(SLICE_BYTES, bytes - position), seed);
    yield piece;
    position += piece.length;
  }
}

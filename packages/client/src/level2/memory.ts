/**
 * The memory of level 2: what the engine answers for, what streams cost beside it, and bodies on their way. Bodies share
 * what the engine leaves of its own bound: the bytes of an honest answer were promised room there.
 */
import { CLIENT_LIMITS } from '../limits.js';
import { memoryBound, resolveStreamOptions, type StreamEngineOptions } from '@millrace/protocol/stream';

/** What differs from the engine's defaults: a client of 1,000 streams is to stay below 256 MiB. */
export const CLIENT_ENGINE: StreamEngineOptions = {
  // One read of a socket, which waits at the application else.
  sendFloorBytes: 16_384,
  flowBudgetBytes: 4 * 1024 * 1024,
};

/** What a stream costs here: channel, web streams, queues, record. Bytes are the engine's. */
export const STREAM_COST_BYTES = 6 * 1024;

/** Room for bodies beyond what the engine leaves: eight of the largest by default. */
const LEAST_TRANSFER_BYTES = 32 * 1024 * 1024;

/** Memory of requests that were answered, kept for the next ones: new memory for each costs more than filling it. */
export const SPARE_BYTES = 8 * 1024 * 1024;

/** An answer is joined and decoded as one: twice its size for that moment. The one before it is kept until then. */
const DECODE_FACTOR = 3;

export interface MemoryOptions {
  readonly engine: StreamEngineOptions;
  /** Largest bodies of any relay. */
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Exchanges that all accounts bear at once. */
  readonly exchanges: number;
}

/** The most that level 2 holds with so many streams, bytes, whatever peers and applications do: the formula of docs/LIMITS.md. */
export function level2Bound(options: MemoryOptions, streams: number): number {
  return (
    bodyLimit(options, streams) +
    SPARE_BYTES +
    CLIENT_LIMITS.maxSpareReadBytes +
    DECODE_FACTOR * options.maxResponseBytes
  );
}

function bodyLimit({ engine, maxRequestBytes, maxResponseBytes, exchanges }: MemoryOptions, streams: number): number {
  const ofEngine = memoryBound(resolveStreamOptions(engine), { streams, exchanges });
  return ofEngine + streams * STREAM_COST_BYTES + transferBytes(maxRequestBytes, maxResponseBytes);
}

function transferBytes(maxRequestBytes: number, maxResponseBytes: number): number {
  return Math.max(LEAST_TRANSFER_BYTES, maxRequestBytes + maxResponseBytes);
}

/** Bodies of requests and answers that are held now. */
export class BodyAccount {
  readonly #options: MemoryOptions;
  readonly #engineBytes: () => number;
  readonly #streams: () => number;
  /** Bodies may take this much without a look at the engine. */
  readonly #freeBytes: number;
  #held = 0;

  constructor(options: MemoryOptions, engineBytes: () => number, streams: () => number) {
    this.#options = options;
    this.#engineBytes = engineBytes;
    this.#streams = streams;
    this.#freeBytes = transferBytes(options.maxRequestBytes, options.maxResponseBytes);
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** Whether so many bytes more fit. */
  fits(bytes: number): boolean {
    const held = this.#held + bytes;
    if (held <= this.#freeBytes) return true;
    const streams = this.#streams();
    return held + this.#engineBytes() + streams * STREAM_COST_BYTES <= bodyLimit(this.#options, streams);
  }

  /** They are held, or, where negative, no more. */
  add(bytes: number): void {
    this.#held += bytes;
  }
}

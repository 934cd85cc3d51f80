import { memoryBound, resolveStreamOptions, type StreamEngineOptions } from '@millrace/protocol/stream';
import type { NodeLimits } from '../limits.js';

/** What level 2 of a node has to bear. */
export interface Level2Load {
  /** Streams and flows of all clients. */
  streams: number;
  clients: number;
  /** Exchanges held for one client, at most `maxHeldExchanges`. */
  exchanges: number;
  /** Largest answer that a client asks for, its body, bytes. */
  answerBytes: number;
}

/**
 * The most that level 2 of a node holds, bytes, whatever clients and targets do: the formula of docs/LIMITS.md. Requests that
 * are being read, and one body while it is put together, come on top; so does what the system keeps for its sockets.
 */
export function level2MemoryBound(engine: StreamEngineOptions, limits: NodeLimits, load: Level2Load): number {
  const { streams, clients, exchanges, answerBytes } = load;
  const options = resolveStreamOptions(engine);
  const oneClient = memoryBound(options, { streams, exchanges });
  const alone = { ...options, receiveBudgetBytes: 0, sendBudgetBytes: 0, flowBudgetBytes: 0 };
  const furtherClients = (clients - 1) * memoryBound(alone, { streams: 0, exchanges });
  const perStream = limits.readChunkBytes + limits.smallChunkBytes + 2 * SMALL_PIECE_BYTES;
  const pinned = limits.maxPinnedBytes + 2 * BATCH_BYTES;
  // A client alone never gets beyond the first bound; many may, by one answer each, up to the second.
  const answers = Math.min(2, clients) * limits.maxAnswerBytes + answerBytes;
  const spare = limits.maxSpareBytes + limits.maxSpareReadBytes;
  return oneClient + furtherClients + streams * perStream + pinned + limits.maxViewedBytes + answers + spare;
}

/** What is handed to a target's socket at once. One system call costs as much as copying tens of KiB. */
export const BATCH_BYTES = 262_144;
/** In pieces of this size, and of this once too much is pinned. */
export const PIECE_BYTES = 65_536;
export const SMALL_PIECE_BYTES = 4_096;

import { CHUNK_COST_BYTES, LIST_SLACK_BYTES, LIST_SLACK_SHARE } from './chunk-list.js';
import { ENTRY_COST_BYTES } from './core.js';
import { EVENT_COST_BYTES } from './events.js';
import { HELD_COST_BYTES } from './node-engine.js';
import type { ResolvedStreamOptions } from './options.js';
import { ITEM_COST_BYTES, RECORD_COST_BYTES } from './packet-records.js';
import { EXCHANGE_COST_BYTES } from './exchange.js';
import { SID_WINDOW_BYTES } from './sid-window.js';
import { streamOverheadBytes } from './stream.js';

/** What one engine has to bear. */
export interface MemoryLoad {
  /** Streams and flows at once, at most `maxStreams`. */
  streams: number;
  /** Exchanges at once: the sum of the relays' concurrency; for a node, `maxHeldExchanges`. */
  exchanges: number;
}

/** Received bytes are counted on the wire; keeping them takes up to this much more. */
const RECEIVE_FACTOR = 1 + LIST_SLACK_SHARE;
/** Events of one stream that can wait to be polled. */
const EVENTS_PER_STREAM = 7;
/** Deadlines, stray resets, and the packets of an unpaired path that are still remembered. */
const FIXED_BYTES = 1024 * 1024;
/** What one send buffer takes beyond its room: the bookkeeping of one write, and a buffer that collects small ones. */
const SEND_SLACK_BYTES = 4096 + 2 * CHUNK_COST_BYTES;

/**
 * The most that one engine holds, bytes, whatever its peer and its application do: the formula of docs/ENGINE.md. The
 * budgets are counted once here; a node's associations share them. Packets that a carrier keeps are not in it.
 */
export function memoryBound(options: ResolvedStreamOptions, load: MemoryLoad): number {
  const { streams, exchanges } = load;
  const perStream =
    streamOverheadBytes(options) +
    RECEIVE_FACTOR * options.receiveFloorBytes +
    LIST_SLACK_BYTES +
    options.sendFloorBytes +
    SEND_SLACK_BYTES +
    EVENTS_PER_STREAM * EVENT_COST_BYTES +
    2 * ENTRY_COST_BYTES;
  const shared = RECEIVE_FACTOR * options.receiveBudgetBytes + options.sendBudgetBytes + options.flowBudgetBytes;
  const records =
    options.maxRecords * (RECORD_COST_BYTES + 2 * ENTRY_COST_BYTES) + options.maxRecordItems * ITEM_COST_BYTES;
  const numbers = 2 * options.maxSeenRanges * ENTRY_COST_BYTES + SID_WINDOW_BYTES;
  const waiting = exchanges * Math.max(EXCHANGE_COST_BYTES, 2 * HELD_COST_BYTES);
  return Math.ceil(streams * perStream + shared + records + numbers + waiting + FIXED_BYTES);
}

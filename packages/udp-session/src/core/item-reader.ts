import { copied, readU16, readU32 } from './bytes.js';
import { INPUT_EVENT, ITEM, ITEM_BYTES, MAX_EVENT_BYTES } from './items.js';
import { readReport, type Report } from './report.js';

/** Who is told what stands in a packet. Views are valid during the call only. False means that it breaks the rules. */
export interface ItemHandler {
  onShard(slab: Uint8Array, at: number, end: number, now: number): boolean;
  onEvent(id: number, bytes: Uint8Array, isInput: boolean, now: number): boolean;
  onEventAck(next: number, bits: number, now: number): boolean;
  onDatagram(id: number, bytes: Uint8Array): boolean;
  onReport(report: Report, now: number): boolean;
  onWant(frame: number, shards: readonly number[], now: number): boolean;
  onPathChallenge(data: Uint8Array, now: number): boolean;
  onPathResponse(data: Uint8Array, now: number): boolean;
  onMtuProbe(bytes: number): boolean;
  onMtuAck(bytes: number): boolean;
  onClose(code: number, now: number): boolean;
}

/** What a packet was good for. */
export interface ItemsRead {
  /** False when something broke the rules; what stood before it was used, the rest is ignored. */
  valid: boolean;
  /** Whether the sender wants to hear that it arrived. */
  eliciting: boolean;
  /** Whether a shard was in it. */
  shard: boolean;
}

const SIZES: readonly (number | undefined)[] = Object.entries(ITEM)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => ITEM_BYTES[name as keyof typeof ITEM_BYTES]);

/** Reads the items of an opened packet, from `start` up to `end` in `slab`. Writes into `result`. */
export function readItems(
  slab: Uint8Array,
  start: number,
  end: number,
  handler: ItemHandler,
  now: number,
  result: ItemsRead,
): void {
  result.valid = true;
  result.eliciting = false;
  result.shard = false;
  for (let at = start; at < end;) {
    const type = slab[at]!;
    const size = SIZES[type];
    if (size === undefined || at + size > end) {
      result.valid = false;
      return;
    }
    if (type !== ITEM.padding && type !== ITEM.report && type !== ITEM.eventAck) result.eliciting = true;
    if (type === ITEM.shard) result.shard = true;
    const next = readItem(type, slab, at, end, handler, now);
    if (next < 0) {
      result.valid = false;
      return;
    }
    at = next;
  }
}

/** Reads one item and returns where the next one begins, -1 when it breaks the rules. */
function readItem(type: number, slab: Uint8Array, at: number, end: number, handler: ItemHandler, now: number): number {
  switch (type) {
    case ITEM.padding:
      return at + 1;
    case ITEM.shard:
      return handler.onShard(slab, at, end, now) ? end : -1;
    case ITEM.event: {
      const word = readU16(slab, at + 5);
      const length = word & ~INPUT_EVENT;
      const next = at + 7 + length;
      if (next > end || length > MAX_EVENT_BYTES) return -1;
      const isInput = length !== word;
      return handler.onEvent(readU32(slab, at + 1), slab.subarray(at + 7, next), isInput, now) ? next : -1;
    }
    case ITEM.datagram: {
      const next = at + 7 + readU16(slab, at + 5);
      if (next > end) return -1;
      return handler.onDatagram(readU32(slab, at + 1), slab.subarray(at + 7, next)) ? next : -1;
    }
    case ITEM.eventAck:
      return handler.onEventAck(readU32(slab, at + 1), readU32(slab, at + 5), now) ? at + ITEM_BYTES.eventAck : -1;
    case ITEM.report:
      return handler.onReport(readReport(slab, at), now) ? at + ITEM_BYTES.report : -1;
    case ITEM.want: {
      const count = slab[at + 5]!;
      const next = at + ITEM_BYTES.want + 2 * count;
      if (next > end) return -1;
      return handler.onWant(readU32(slab, at + 1), readNumbers(slab, at + ITEM_BYTES.want, count), now) ? next : -1;
    }
    case ITEM.ping:
      return at + 1;
    case ITEM.pathChallenge:
      return handler.onPathChallenge(copied(slab.subarray(at + 1, at + 9)), now) ? at + 9 : -1;
    case ITEM.pathResponse:
      return handler.onPathResponse(copied(slab.subarray(at + 1, at + 9)), now) ? at + 9 : -1;
    case ITEM.mtuProbe:
      return handler.onMtuProbe(readU16(slab, at + 1)) ? at + ITEM_BYTES.mtuProbe : -1;
    case ITEM.mtuAck:
      return handler.onMtuAck(readU16(slab, at + 1)) ? at + ITEM_BYTES.mtuAck : -1;
    default:
      return handler.onClose(readU16(slab, at + 1), now) ? at + ITEM_BYTES.close : -1;
  }
}

/** Numbers of 16 bits. Not with a function of its own where items are read: that would cost memory for every packet. */
function readNumbers(slab: Uint8Array, at: number, count: number): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) numbers.push(readU16(slab, at + 2 * i));
  return numbers;
}

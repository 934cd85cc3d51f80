import type { ResolvedStreamOptions } from './options.js';
import type { PacketRecord } from './packet-records.js';
import type { PacketWindow } from './packet-window.js';
import { PACKET_OVERHEAD_BYTES, RANGE_OVERHEAD_BYTES, type PacketValue, type SegmentValue } from './packet.js';
import type { Span } from './ranges.js';
import type { Scheduler } from './scheduler.js';
import { writeSegment } from './segment-writer.js';
import type { SentItem, Stream } from './stream.js';

/** What the path adds to a packet. */
export interface PacketHead {
  /** Path that takes it; undefined for a response. */
  path?: string;
  answers?: number;
  holdMs?: number;
  maxResponseBytes?: number;
  lost?: readonly Span[];
  /** It is a request: remembered even when it carries nothing, since its answer confirms it. */
  exchange?: boolean;
  /** It carries nothing but numbers. */
  bare?: boolean;
  /** Bulk may go along. Default true. */
  bulk?: boolean;
}

export interface BuiltPacket {
  packet: PacketValue;
  /** Undefined when there is nothing in it that would be sent again. */
  record: PacketRecord | undefined;
  /** Size when encoded, or a little more. */
  sizeBytes: number;
}

interface Parts {
  n: number;
  cid: Uint8Array;
  epoch: Uint8Array | undefined;
  now: number;
  maxBytes: number;
  head: PacketHead;
  options: ResolvedStreamOptions;
  window: PacketWindow;
  scheduler: Scheduler;
  strays: Map<number, string>;
  touch: (stream: Stream) => void;
}

/** Share of a packet that ranges may take. */
const RANGES_SHARE = 1 / 8;

/** Makes one packet of what waits. */
export function buildPacket(parts: Parts): BuiltPacket {
  const { head, options, now, maxBytes } = parts;
  const packet: PacketValue = { n: parts.n, cid: parts.cid, caps: options.caps };
  if (parts.epoch !== undefined) packet.epoch = parts.epoch;
  if (head.answers !== undefined) packet.answers = head.answers;
  if (head.holdMs !== undefined) packet.hold = head.holdMs;
  if (head.maxResponseBytes !== undefined) packet.max = head.maxResponseBytes;
  const mostRanges = Math.max(1, Math.floor((maxBytes * RANGES_SHARE) / RANGE_OVERHEAD_BYTES));
  const got = parts.window.got(Math.min(options.maxSentRanges, mostRanges));
  if (got !== undefined) packet.got = got;
  if (head.lost !== undefined && head.lost.length > 0) {
    packet.lost = head.lost.map(({ from, to }) => ({ from, to: to - 1 }));
  }
  const ranges = (got?.length ?? 0) + (head.lost?.length ?? 0);
  const size = PACKET_OVERHEAD_BYTES + ranges * RANGE_OVERHEAD_BYTES;

  const items: SentItem[] = [];
  const filled = head.bare === true ? 0 : fill(packet, items, maxBytes - size, parts);
  const worth = items.length > 0 || head.exchange === true;
  const record: PacketRecord | undefined = worth
    ? {
        n: parts.n,
        path: head.path,
        sentAt: now,
        sizeBytes: size + filled,
        items,
        reportedLost: head.lost ?? [],
        answers: head.answers,
        state: 'flight',
      }
    : undefined;
  return { packet, record, sizeBytes: size + filled };
}

function fill(packet: PacketValue, items: SentItem[], room: number, parts: Parts): number {
  const { options } = parts;
  const mostItems = Math.min(options.maxSegments, Math.max(1, Math.floor(options.maxRecordItems / 8)));
  const segments: SegmentValue[] = [];
  let filled = 0;
  for (const [sid, rst] of parts.strays) {
    const cost = 64 + rst.length;
    if (filled + cost > room / 4) break;
    parts.strays.delete(sid);
    segments.push({ sid, rst });
    filled += cost;
  }
  parts.scheduler.fill(room - filled, parts.head.bulk ?? true, (stream, left, maxBytes) => {
    if (items.length >= mostItems) return 0;
    const written = writeSegment(stream, left, maxBytes, parts.now, segments.length === 0);
    if (written === undefined) return 0;
    const { segment, item, costBytes } = written;
    if (item !== undefined) items.push(item);
    if (item !== undefined || segment.datagrams !== undefined) segments.push(segment);
    filled += costBytes;
    parts.touch(stream);
    return costBytes;
  });
  if (segments.length > 0) packet.segments = segments;
  return filled;
}

import {
  DATAGRAM_OVERHEAD_BYTES,
  SEGMENT_OVERHEAD_BYTES,
  type SegmentDatagramValue,
  type SegmentValue,
} from './packet.js';
import type { SentItem, Stream } from './stream.js';

/** Fewer bytes than this are not cut off a longer piece: the next packet takes it whole. */
const LEAST_PIECE_BYTES = 128;
/** Most datagrams in one segment, well below the wire's limit. */
const MAX_DATAGRAMS = 512;

/** A segment, what it stands for in the packet's record, and how much of the packet it takes. */
export interface WrittenSegment {
  segment: SegmentValue;
  /** Undefined when it carries nothing that would be sent again. */
  item: SentItem | undefined;
  costBytes: number;
}

/**
 * The next segment of `stream`, at most `room` bytes encoded: all that has to be told, then at most `maxBytes` bytes.
 * Undefined when nothing fits. `whole`: the packet is empty so far, so that a datagram that does not fit now never will.
 */
export function writeSegment(
  stream: Stream,
  room: number,
  maxBytes: number,
  now: number,
  whole: boolean,
): WrittenSegment | undefined {
  const segment: SegmentValue = { sid: stream.sid };
  const opens = stream.isClient && !stream.openConfirmed && stream.life === 'live';
  const tellsOpened = stream.opened !== undefined && !stream.isClient && !stream.openedConfirmed;
  let cost = SEGMENT_OVERHEAD_BYTES;
  if (opens) cost += textBytes(stream.target.host);
  if (tellsOpened) cost += textBytes(stream.opened!.code) + textBytes(stream.opened!.address ?? '');
  if (stream.needsRst) cost += textBytes(stream.resetCode);
  if (cost > room) return undefined;

  if (stream.needsRst) segment.rst = stream.resetCode;
  if (opens) segment.open = stream.target;
  if (tellsOpened && !stream.needsRst) segment.opened = stream.opened!;
  // An answer repeats what was said before: the peer asks because it may not have heard it.
  if (stream.needsAck || stream.owesAnswer) segment.ack = stream.takeAck();
  if (stream.needsCredit || stream.owesAnswer) segment.credit = stream.credit.announce();
  cost +=
    stream.flow === undefined
      ? addBytes(stream, segment, room - cost, maxBytes)
      : addDatagrams(stream, segment, room - cost, now, whole);
  const asks = stream.needsAsk && segment.off === undefined;
  if (asks) segment.off = stream.send.sent > stream.send.end ? stream.send.end : stream.send.sent;

  const from = segment.off ?? 0;
  const to = asks ? from : from + (segment.d?.length ?? 0) + (segment.fin === true ? 1 : 0);
  const item: SentItem = {
    stream,
    open: segment.open !== undefined,
    opened: segment.opened !== undefined,
    rst: segment.rst !== undefined,
    ask: asks,
    ack: segment.ack ?? -1,
    credit: segment.credit ?? -1,
    from,
    to,
  };
  if (to > from) stream.dataInFlight++;
  stream.needsOpen = stream.needsOpened = stream.needsRst = false;
  // Else the peer would let its ack wait for company (R7), while nothing more can be sent here.
  stream.needsAsk = to > from && stream.wantsRoom && stream.sendable === 0 && stream.room.isCramped;
  stream.needsCredit = stream.owesAnswer = false;
  stream.sentAnything = true;
  const repeats = item.open || item.opened || item.rst || asks || item.ack >= 0 || item.credit >= 0 || to > from;
  return { segment, item: repeats ? item : undefined, costBytes: cost };
}

function addBytes(stream: Stream, segment: SegmentValue, room: number, maxBytes: number): number {
  const sendable = stream.sendable;
  if (maxBytes === 0 || sendable === 0 || (room < LEAST_PIECE_BYTES && room < sendable)) return 0;
  const piece = stream.send.take(Math.min(room, maxBytes), stream.peerLimit);
  if (piece === undefined) return 0;
  segment.off = piece.from;
  if (piece.bytes.length > 0) {
    segment.d = piece.bytes;
    stream.heardBefore = stream.receive.next;
  }
  if (piece.fin) segment.fin = true;
  return piece.bytes.length;
}

function addDatagrams(stream: Stream, segment: SegmentValue, room: number, now: number, whole: boolean): number {
  const queue = stream.flow!.outgoing;
  const datagrams: SegmentDatagramValue[] = [];
  let left = room;
  let next = queue.peek(now);
  while (next !== undefined && datagrams.length < MAX_DATAGRAMS) {
    const cost = DATAGRAM_OVERHEAD_BYTES + next.d.length + textBytes(next.host ?? '');
    if (cost <= left) datagrams.push(next);
    else if (!whole || datagrams.length > 0) break;
    if (cost <= left) left -= cost;
    queue.shift();
    next = queue.peek(now);
  }
  if (datagrams.length > 0) segment.datagrams = datagrams;
  return room - left;
}

/** Size of a text in UTF-8, or a little more. */
function textBytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) bytes += 2;
  return bytes;
}

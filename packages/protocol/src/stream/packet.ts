/**
 * The packet as the engine makes and takes it is the codec's runtime form; here is what the engine adds: kinds, sizes.
 */
import type { PacketValue } from '../gen/level2-fields.js';

export type {
  PacketRangeValue,
  PacketValue,
  SegmentDatagramValue,
  SegmentOpenedValue,
  SegmentOpenValue,
  SegmentValue,
} from '../gen/level2-fields.js';

/** Kinds of `open`. */
export const KIND_STREAM = 0;
export const KIND_FLOW = 1;

/** Most that the fields of a packet other than ranges and segments take when encoded. */
export const PACKET_OVERHEAD_BYTES = 112;
/** Most that one range takes when encoded. */
export const RANGE_OVERHEAD_BYTES = 22;
/** Most that a segment takes when encoded, without texts, bytes and datagrams. */
export const SEGMENT_OVERHEAD_BYTES = 56;
/** Most that a datagram takes when encoded, without its bytes and host. */
export const DATAGRAM_OVERHEAD_BYTES = 28;

/** Payload bytes of a packet: stream bytes and datagrams. The measure of a delivery rate and of a full response. */
export function payloadBytes(packet: PacketValue): number {
  let bytes = 0;
  for (const segment of packet.segments ?? []) {
    bytes += segment.d?.length ?? 0;
    for (const datagram of segment.datagrams ?? []) bytes += datagram.d.length;
  }
  return bytes;
}

/** Whether two byte strings are equal. Not for secrets: it stops at the first difference. */
export function sameBytes(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

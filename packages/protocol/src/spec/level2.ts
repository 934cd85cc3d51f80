/**
 * Level 2: packets of segments. `@wire` gives the protobuf type, `@field` the field number. Numbers are never reused;
 * fields are only ever added, and always optional. `@exactBytes`, `@maxBytesLimit` and `@maxCountLimit` bound a field; the
 * latter two name a limit of limits.ts.
 */
import type { Base64, Count, Port } from './scalars.js';

/** Packet numbers `from` to `to`, both included. */
export interface PacketRange {
  /** First packet number. @wire uint64 @field 1 */
  from: Count;
  /** Last packet number. @wire uint64 @field 2 */
  to: Count;
}

/** What a segment asks the node to open. */
export interface SegmentOpen {
  /** Target name or address. @wire string @field 1 @maxLength 255 */
  host: string;
  /** Target port. @wire uint32 @field 2 */
  port: Port;
  /** 0 a TCP stream, 1 a UDP flow. @wire uint32 @field 3 */
  kind: Count;
}

/** The result of a dial, repeated until the client confirms it. */
export interface SegmentOpened {
  /** Empty for success, else one of the error codes. @wire string @field 1 @maxLength 64 */
  code: string;
  /** Address that was reached, where the node tells it. @wire string @field 2 @maxLength 64 */
  address?: string;
}

/** One UDP datagram of a flow. */
export interface SegmentDatagram {
  /** Number within this flow and direction, counted from 0. @wire uint64 @field 1 */
  n: Count;
  /** The bytes, at most 65,507. @wire bytes @field 2 @maxBytesLimit maxDatagramBytes */
  d: Base64;
  /** Peer address; absent means the address of the flow's `open`. @wire string @field 3 @maxLength 255 */
  host?: string;
  /** Peer port; absent means the port of the flow's `open`. @wire uint32 @field 4 */
  port?: Port;
}

/** What a packet says of one stream or flow. Idempotent: it may arrive twice, late or out of order. */
export interface Segment {
  /** Stream or flow: counted up by the client within its `cid`, never used again. @wire uint64 @field 1 */
  sid: Count;
  /** On every segment of a stream until the open is confirmed. @wire message @field 2 */
  open?: SegmentOpen;
  /** The result of the dial, until confirmed. @wire message @field 3 */
  opened?: SegmentOpened;
  /** Absolute position of the first byte of `d` in this direction. @wire uint64 @field 4 */
  off?: Count;
  /** Bytes at `off`. @wire bytes @field 5 */
  d?: Base64;
  /** The stream ends after `d`; takes one position. @wire bool @field 6 */
  fin?: boolean;
  /** The stream is reset: one of the error codes. @wire string @field 7 @maxLength 64 */
  rst?: string;
  /** Next position expected from the peer. Only grows. @wire uint64 @field 8 */
  ack?: Count;
  /** Position up to which the peer may send. Only grows. @wire uint64 @field 9 */
  credit?: Count;
  /** Datagrams of a flow. @wire repeated @field 10 @maxCountLimit maxSegmentDatagrams */
  datagrams?: SegmentDatagram[];
}

/** One body, in either direction. */
export interface Packet {
  /** This sender's number of the packet: counted up, never reused. @wire uint64 @field 1 */
  n: Count;
  /** Client instance, 16 random bytes. @wire bytes @field 2 @exactBytes 16 */
  cid: Base64;
  /** Node instance (8 random bytes) and generation of the association (4 bytes); a client leaves it out until it knows it. @wire bytes @field 3 @exactBytes 12 */
  epoch?: Base64;
  /** In a response: the `n` of the request. @wire uint64 @field 4 */
  answers?: Count;
  /** In a response: the request was answered before and this answer carries nothing. @wire bool @field 5 */
  again?: boolean;
  /** The peer's packets that arrived. @wire repeated @field 6 @maxCountLimit maxPacketRanges */
  got?: PacketRange[];
  /** The client's requests whose answer will not be accepted any more. @wire repeated @field 7 @maxCountLimit maxPacketRanges */
  lost?: PacketRange[];
  /** In a request: how long the node may hold the exchange, in ms; 0 asks for an answer now. @wire uint32 @field 8 */
  hold?: Count;
  /** In a request: how large the response may be, in bytes. @wire uint32 @field 9 */
  max?: Count;
  /** Capability bits of the sender. @wire uint32 @field 10 */
  caps?: Count;
  /** What it carries. @wire repeated @field 11 @maxCountLimit maxPacketSegments */
  segments?: Segment[];
  /**
   * In a response: bytes that wait at the node beyond this packet, with what will follow at once as room for it comes. Absent
   * means none. @wire uint64 @field 12
   */
  more?: Count;
}

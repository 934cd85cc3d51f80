/**
 * What a packet holds once it is opened: 4 bytes of time (µs on the sender's clock, modulo 2^32), then items. Each begins with
 * its type. Sizes include the type; an item of variable size says its length, but for a shard, which fills the packet.
 */
export const ITEM = {
  /** One byte, ignored. Fills probes of the path's packet size. */
  padding: 0,
  /** A shard of a frame; the last item. */
  shard: 1,
  /** A reliable event: id (32 bits), length (16; the highest bit marks input of a client to its host), bytes. */
  event: 2,
  /** Which events arrived: the next id expected (32 bits), and which of the 32 behind it. */
  eventAck: 3,
  /** A datagram: id (32 bits), length (16), bytes. */
  datagram: 4,
  /** A loss report, see `report.ts`. */
  report: 5,
  /** Shards that are asked for: frame (32 bits), count (8; 0: all of the frame), shard numbers (16 each). */
  want: 6,
  /** Asks for a report. */
  ping: 7,
  /** 8 random bytes, to be sent back over the same path. */
  pathChallenge: 8,
  pathResponse: 9,
  /** Asks whether a packet of this size (16 bits) arrives. */
  mtuProbe: 10,
  mtuAck: 11,
  /** The sender is gone: code (16 bits). */
  close: 12,
} as const;

/** Bytes of each type; of those of variable size, what stands before the variable part. */
export const ITEM_BYTES = {
  padding: 1,
  shard: 17,
  event: 7,
  eventAck: 9,
  datagram: 7,
  report: 59,
  want: 6,
  ping: 1,
  pathChallenge: 9,
  pathResponse: 9,
  mtuProbe: 3,
  mtuAck: 3,
  close: 3,
} as const;

/** The time in front of the items. */
export const TIME_BYTES = 4;

/** The least packet size that every path has to carry (RFC 8899, BASE_PLPMTU; as QUIC). */
export const BASE_PACKET_BYTES = 1200;
/** Most bytes of an event: one always fits into the smallest packet, beside an ack and a time. */
export const MAX_EVENT_BYTES = 1024;
/** Set in the length of an event that is input of a client to its host. */
export const INPUT_EVENT = 0x8000;
/** Events that may be under way behind the oldest that did not arrive. Both ends hold at most this many. */
export const EVENT_WINDOW = 256;
/** Most shards in one `want`. */
export const MAX_WANTED = 255;

/**
 * Level 1: the JSON batch protocol of existing fleets. Field order here is the order on the wire: a message without the
 * newer optional fields encodes to the very bytes of the older form. Unknown fields are ignored everywhere; a field that is
 * `null` counts as absent.
 */
import type { Base64, Count, Port } from './scalars.js';

/** One operation of a batch. Which fields an op needs is told by `op`; an op that the node does not know is answered, not refused. */
export interface BatchOp {
  /**
   * `connect`, `connect_data`, `data`, `udp_open`, `udp_data` or `close`. `version` asks who answers and touches
   * nothing. Anything else is answered with code `UNSUPPORTED_OP`.
   */
  op: string;
  /** The stream or flow, a UUID given by the node. Absent on the ops that open one. @maxLength 64 */
  sid?: string;
  /** Target name or address. Only on ops that open. @minLength 1 @maxLength 255 */
  host?: string;
  /** Target port. Only on ops that open. */
  port?: Port;
  /** Bytes to write (`connect_data`, `data`) or one datagram (`udp_open`, `udp_data`). */
  d?: Base64;
  /** Number of this `data` op within its stream, counted from 0. Sent only after the peer showed capability bit 0. */
  seq?: Count;
  /** Orders writes only (an older scheme). Ignored beside `seq`. */
  wseq?: Count;
}

/** `POST /tunnel/batch`: operations that are answered by position. */
export interface BatchRequest {
  /** The access key. */
  k: string;
  /** Tells a script in between what the body is. */
  t?: 'batch';
  /** The operations, run in order as far as one stream is concerned. */
  ops: BatchOp[];
  /** Capability bits of the client. Sent while the level of the peer is unknown. */
  caps?: Count;
  /** Client instance: 128 random bits as base64. Sent while the level of the peer is unknown. */
  cid?: Base64;
  /** Reserved (compressed operations). Never sent; a request that carries it instead of `ops` is refused. @reserved */
  zops?: string;
  /** Reserved (the client accepts compressed replies). Never sent, ignored when received. @reserved @anyValue */
  zc?: Count;
}

/** The answer to one operation. */
export interface TunnelResponse {
  /** The stream or flow that was opened or used. */
  sid?: string;
  /** Bytes that the target sent. */
  d?: Base64;
  /** Datagrams that the target sent, each whole. @itemsAre Base64 */
  pkts?: Base64[];
  /** True once the target has ended its side and every byte of it was handed over. */
  eof?: boolean;
  /** What went wrong, in words. Its presence makes the reply an error. */
  e?: string;
  /** What went wrong, as one of the error codes. */
  code?: string;
  /** Echo of the op's `seq`. */
  seq?: Count;
  /** Capability bits of the node. On replies to `connect`, `connect_data` and `version`. */
  caps?: Count;
  /** Software version of the node. Only on replies to `version`. @maxLength 64 */
  v?: string;
  /** Random id of the running node. Only on replies to `version`. @maxLength 64 */
  node?: string;
  /** The node's clock, in ms since 1970. Only on replies to `version`. */
  now?: Count;
}

/** The answer to a batch: `r[i]` answers `ops[i]`; or an error of the whole batch. */
export interface BatchResponse {
  /** Replies by position. */
  r?: TunnelResponse[];
  /** The whole batch failed: why, in words. */
  e?: string;
  /** The whole batch failed: one of the error codes. */
  code?: string;
  /** Reserved (compressed replies). Never sent. @reserved */
  zr?: string;
}

/** `POST /tunnel`: a single operation. Only `connect`, `connect_data`, `data` and `close`. */
export interface SingleRequest {
  /** The access key. */
  k: string;
  /** `connect`, `connect_data`, `data` or `close`. */
  op: string;
  /** Target name or address. @minLength 1 @maxLength 255 */
  host?: string;
  /** Target port. */
  port?: Port;
  /** The stream. @maxLength 64 */
  sid?: string;
  /** Bytes to write. Note the name: `data`, not `d`. */
  data?: Base64;
}

/** The error codes that the engine itself gives to a stream. Those of dials and targets come from the callers. */
export const STREAM_CODES = {
  /** The peer broke a rule of this stream: bytes beyond the credit, an ack of bytes never sent, an end that moves. */
  invalid: 'STREAM_INVALID',
  /** The node is a new instance, or has forgotten this client: what was sent to the old one is not sent again. */
  restarted: 'NODE_RESTARTED',
  /** The client was not heard of for so long that the node forgot it. */
  vanished: 'CLIENT_GONE',
  /** The node does not know this stream (any more). */
  unknown: 'UNKNOWN_SID',
  /** The node holds as many streams as it may. */
  busy: 'NODE_BUSY',
  /** Closed here. */
  closed: 'STREAM_CLOSED',
  /** Two relays lead to different nodes. */
  differentNodes: 'PEER_DIFFERENT_NODES',
} as const;

/**
 * Bounds of the local proxies. Each is about one listener or one of its sockets; none is on the wire.
 *
 * A listener holds at most `maxSockets × (maxHeldBytes + what the socket itself buffers)` besides the streams.
 */
export const PROXY_LIMITS = {
  /** Sockets at once per listener. A browser keeps a few dozen; each costs a descriptor and up to `maxHeldBytes`. */
  maxSockets: 1024,
  /**
   * Bytes of one application that wait for its dial or its stream; beyond it the socket is no longer read. A few
   * reads of 64 KiB keep a fast upload busy. The last read may pass the bound by its own size.
   */
  maxHeldBytes: 262_144,
  /**
   * Bytes of a stream that are handed to its application's socket at once; the next ones wait until the system has them. One
   * system call costs as much as copying tens of KiB. The last chunk may pass the bound by its own size.
   */
  maxWriteBytes: 262_144,
  /** What one read of a socket brings at most (Node's own size). */
  readBytes: 65_536,
  /** Memory of reads whose bytes the node has, kept for the next ones, of all listeners. New memory for each costs more than filling it. */
  maxSpareReadBytes: 12_582_912,
  /** Bytes that travel with the connect. More than any request head, far below what one batch carries. */
  maxFirstBytes: 65_536,
  /** Header section of an HTTP request or response. Cookies pass 16 KiB now and then; more is answered 431. */
  maxHeaderBytes: 65_536,
  /** Requests of one HTTP connection that may wait for their answer. Browsers do not pipeline; what does sends few. */
  maxPipelinedRequests: 16,
  /**
   * What the system may keep of one association's datagrams until they are read, as far as it gives it. Its usual room is for a
   * burst of about 160 datagrams; what comes on top is lost without a word.
   */
  udpReceiveBytes: 1_048_576,
  /** Bytes of datagrams that wait for one association's socket; beyond it replies are dropped, as UDP does. */
  maxReplyQueueBytes: 1_048_576,
} as const;

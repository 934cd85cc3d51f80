import { LIMITS } from '@millrace/protocol';

/**
 * Every bound of this package that no option sets, with its reason. Bounds that both sides of the wire rely on are
 * `LIMITS` of `@millrace/protocol`; bounds that a node's operator sets are options (`NodeConfig`).
 *
 * What level 1 holds at most: `maxBufferedBytes` + `maxStreams` × (`floorBytes` + `readChunkBytes`) of stream bytes,
 * `maxRequestBytes` of request bodies, and answers being written, which are part of the first sum until they have left.
 * Text and copies of a body while it is decoded or encoded take up to three times its size for that moment. What level 2 holds
 * is the formula of `level2/memory.ts`. docs/LIMITS.md has both.
 */
export const NODE_LIMITS = {
  /** What one drain takes, and what a stream holds before its target is no longer read. Of the wire; here so that tests can lower it. */
  maxStreamDrainBytes: LIMITS.maxStreamDrainBytes,
  /** What the drains of one batch take together. Of the wire too. */
  maxBatchDrainBytes: LIMITS.maxBatchDrainBytes,
  /** What each stream may hold towards either side although `maxBufferedBytes` is used up, so that readers who stall starve nobody. */
  floorBytes: 65_536,
  /** What one read from a target brings at most (Node's own size). A stream that is paused holds at most this much over its bound. */
  readChunkBytes: 65_536,
  /** Chunks from a target below this are copied together: a Buffer costs about 200 bytes, however few it holds. */
  smallChunkBytes: 4_096,
  /** Size of the blocks that small chunks are copied into. */
  slabBytes: 16_384,

  /** Bytes that wait in this process for a target that reads slowly. Writes beyond it wait, which is what slows the client down. */
  maxWriteBacklogBytes: 4_194_304,
  /** What is handed to the socket at once. Small, since only a whole piece counts as progress: 64 KiB in 30 s is 2 KiB/s. */
  writePieceBytes: 65_536,
  /** A target that takes no byte for this long has stalled. Below the 60 s after which a client gives up on a batch. */
  writeStallMs: 30_000,
  /** After a close: how long the target may take to close its side too, once it took everything. Then it is cut. */
  closeLingerMs: 5_000,
  /** At the end of a drain: how long the answers that tell clients of cut streams may take to leave. */
  farewellMs: 1_000,
  /** Streams in that state, and those still flushing. Beyond it the oldest is cut. */
  maxLingering: 1_024,

  /** Datagrams that one flow holds for a client that does not ask. At 1,200 bytes about two seconds of 5 Mbit/s video. */
  maxFlowDatagrams: 1_024,
  /** The same in bytes. */
  maxFlowBytes: 4_194_304,
  /**
   * What the system may keep of a socket's datagrams until they are read, as far as it gives it. Its usual room is for a burst of
   * about 160 datagrams; what comes on top is lost without a word.
   */
  udpReceiveBytes: 1_048_576,
  /** Datagrams handed to the system and not sent yet, of one flow. Beyond it new ones are dropped, as the network would. */
  maxFlowSending: 256,

  /** Level 2: answers that have not left, of all clients; beyond it a client gets one at a time, up to twice as much. One is never larger. */
  maxAnswerBytes: 25_165_824,
  /** Level 2: memory of requests and answers that were used up, kept for the next ones: new memory for each costs more than filling it. */
  maxSpareBytes: 8_388_608,
  /** Level 2: requests of which parts may still be with their engines, kept whole. Beyond it those parts are copied. */
  maxViewedBytes: 8_388_608,
  /** Memory of reads from targets that were passed on, kept for the next ones, for the same reason. */
  maxSpareReadBytes: 12_582_912,
  /** Level 2: requests that sockets of targets keep because they did not take their bytes at once. Beyond it bytes are copied. */
  maxPinnedBytes: 16_777_216,
  /** Level 2: targets of one flow that may answer; more, and the one that was sent to longest ago may not. */
  maxFlowPeers: 1_024,
  /** Level 2: datagrams of one flow that wait for a name. */
  maxFlowResolving: 64,
  /** Level 2: names of targets of datagrams whose addresses are known, of all flows. */
  maxCachedNames: 256,
  /** How long they are believed. The system's resolver does not tell how long they are good for. */
  nameCacheMs: 30_000,
  /** Names that datagrams wait for at once. They share four threads with everything else that is resolved. */
  maxNameLookups: 32,

  /** Ops of one stream that wait for the turn of their `seq`. Clients keep 8 in flight; the rest is room for late repeats. */
  maxWaitingSeq: 32,
  /** Batches that wait for one stream at once. Clients keep 8 in flight. */
  maxWatchers: 64,

  /** Addresses of one name that are tried. */
  maxDialAddresses: 16,
  /** Time between two attempts of one dial ("Connection Attempt Delay", RFC 8305 section 5). */
  dialAttemptDelayMs: 250,
  /** How long the list of this machine's own addresses is believed. */
  ownAddressesMs: 5_000,

  /** Connections of clients and relays at once. Each idle one costs about 10 KiB. */
  maxConnections: 8_192,
  /** Requests at once, those being read, run and answered together. */
  maxRequests: 4_096,
  /** How long the header of a request may take. */
  headersTimeoutMs: 15_000,
  /** How long a whole request may take to arrive: 4 MiB at 35 KiB/s. Says nothing about how long the answer may take. */
  requestTimeoutMs: 120_000,
  /** How often the two above are looked at. */
  connectionsCheckMs: 5_000,
  /** How long an idle connection is kept: longer than the 60 s of usual proxies and pools, so that they close first. */
  keepAliveMs: 75_000,
  /** An answer of which no byte leaves for this long is given up. */
  answerStallMs: 60_000,
  /** Header of a request. Node's default. */
  maxHeaderBytes: 16_384,
  /** Bodies being unzipped at once. They run on the four threads that names are resolved on too, before the key is known. */
  maxUnzips: 2,
  /** Connections of the admin listener. */
  maxAdminConnections: 64,
} as const;

/** The same with other numbers: tests make limits small instead of traffic large. */
export type NodeLimits = { readonly [name in keyof typeof NODE_LIMITS]: number };

/**
 * Every bound of the client that is not an option. Options and their ranges are in docs/CONFIG.md, bounds of the wire in
 * `LIMITS` of `@millrace/protocol`. Each says why it is what it is, and what raising it costs.
 */
export const CLIENT_LIMITS = {
  /** Streams and flows of one tunnel. Each costs a few KiB even when idle; a browser needs a few hundred. */
  maxStreams: 16_384,
  /** Bytes that one stream takes from its application before writes wait. Two ops of a fast upload; 1,000 stalled uploads hold 2 GiB. */
  maxUnsentBytes: 2 * 1024 * 1024,
  /** First bytes that travel with a connect; what is beyond follows as data. A TLS hello or a request head fits many times. */
  maxFirstBytes: 256 * 1024,
  /** How often an open is tried before its failure is told. Three relays, and one more in case they all rested shortly. */
  maxOpenAttempts: 4,
  /** How often the node is told that a stream is over, should that get lost. It reaps the stream in any case. */
  maxCloseTries: 3,
  /** How long an open waits for relays that all rest. Longer, and applications think that nothing happens. */
  openPatienceMs: 2_000,
  /** A stream whose application does not read is still named to the node this often, so that it is not reaped (300 s there). */
  keepAliveMs: 120_000,
  /** How often streams are looked through for the above. */
  sweepMs: 30_000,

  /** Batches of polls that the node may hold before they are gathered into one. Fewer cost less of a relay's quota; each gathering costs a request per batch. */
  heldPolls: 4,
  /** How often they are gathered. */
  gatherMs: 1_000,
  /** The same when a poll waits for a place; also how long a poll is out, beyond the round trip, before it counts as held. */
  gatherSoonMs: 250,

  /** Smallest upload size that the adaptive bound of a batch falls to. Below it the request head weighs more than the payload. */
  minUploadBytes: 64 * 1024,
  /** An upload that takes longer than this halves the bound, one that takes less than a quarter doubles it. Keeps batches far from the reply timeout. */
  uploadTargetMs: 4_000,
  /** Batches that opens and bulk transfers are spread over, so that a slow dial or one slow connection holds few others. */
  spreadBatches: 8,
  /** Least reply timeout of a batch with `seq`, in ms (DESIGN, level 1): the node may wait 30 s for a turn and 15 s for bytes. */
  minPipelinedTimeoutMs: 60_000,
  /** Least reply timeout of a batch of idle polls, which the node holds for 15 s or what else it is set to. */
  minPollTimeoutMs: 30_000,
  /** Added to twice the reply timeout: how long an op is tried in all. */
  extraReplyWaitMs: 15_000,
  /** An exchange whose answer keeps trickling in is given up after this many reply timeouts. */
  maxExchangeTimeouts: 10,

  /** Rest of a relay after its first failure; doubled by each further one. */
  minRestMs: 250,
  /** Longest rest of a relay or account. */
  maxRestMs: 60_000,
  /** Longest rest of a relay that cannot be reached, or cannot reach its node: how long it takes at most to notice that it is back. */
  maxOutageRestMs: 5_000,
  /** First rest of an account that wants fewer requests. */
  minQuotaRestMs: 1_000,
  /** Longest time that an account's own word about when to come again is believed. A wrong word costs an hour; more would cost a day. */
  maxRetryAfterMs: 3_600_000,
  /** How often accounts that take nothing are looked at again, since the wall clock may have been set. */
  wallCheckMs: 60_000,
  /** How long after a change what is kept over restarts is saved. A crash loses the requests counted in between; the margin of a quota bears that. */
  stateSaveMs: 5_000,
  /** That all accounts take nothing for longer than an open waits is told as an event; again once it takes so much longer than told. */
  blockedEventMs: 60_000,

  /** Redirects that one exchange follows. Apps Script needs 1. */
  maxRedirects: 5,
  /** Hosts per relay, through redirects, with connections of their own. The one unused for longest goes. */
  maxOrigins: 4,
  /** Connections that are kept ready beyond those in use. */
  spareConnections: 2,
  /** Memory that connections are read into, kept for the next reads. What came is copied from there at once: little is needed. */
  maxSpareReadBytes: 1_048_576,
  /** A ready connection that was idle for this long is not used again where the server does not say how long it keeps it: most keep it for a minute. */
  idleConnectionMs: 30_000,
  /** Longest time that a server's own word about idle connections is believed. */
  maxIdleConnectionMs: 300_000,
  /** Connections that were lost while idle are replaced after this, doubled each time until there is a request. */
  minRefillMs: 1_000,
  /** Longest of these times. */
  maxRefillMs: 60_000,
  /** Bytes that are read of an answer that is not a tunnel body. Enough to find the reason on an error page. */
  maxPageBytes: 64 * 1024,
  /** Characters of a relay's answer or a node's words that go into a message. */
  maxQuotedCharacters: 200,

  /** Opens whose checkpoints are kept. */
  timingRing: 256,
  /** Checkpoints of one open: ten attempts and more. */
  maxCheckpoints: 64,

  /** Flows of one UDP association; the one idle for longest is closed for a new one. */
  maxFlows: 256,
  /** Datagrams that wait to be sent on one flow. */
  maxFlowQueue: 256,
  /** Their bytes. */
  maxFlowQueueBytes: 1024 * 1024,
  /** Exchanges under way for one flow; further datagrams wait in its queue. */
  maxFlowExchanges: 8,
  /** Datagrams of one flow in one batch, so that one flow does not fill it. */
  maxFlowBatch: 16,
  /** Datagrams that wait for an application that does not read, per association. */
  maxReceivedDatagrams: 1_024,
  /** Their bytes. */
  maxReceivedDatagramBytes: 4 * 1024 * 1024,

  /** When relays seem to lead to different nodes they are asked again this often. */
  recheckMs: 5_000,
  /** A node that did not answer when it was asked who it is, though its relay works, is asked again this much later at most; at first after `minRestMs`. */
  reaskMs: 30_000,
  /** Level 2: streams are cut when nothing was heard of their node for this long. It forgets a client after 120 s of silence unless it is set otherwise; longer only keeps applications waiting. */
  nodeSilenceMs: 150_000,
  /** How long `close()` tells the node about streams that end. */
  closeWaitMs: 1_000,
} as const;

/** The public types of the client: what applications, the proxies and the command line build on. */
import type {
  AbortLike,
  Checkpoint,
  ErrorCode,
  EventHub,
  MillraceEvent,
  PeerEvent,
  UpConfig,
} from '@millrace/protocol';
import type { TunnelError } from '../errors.js';

/** Options of `openTunnel`. Everything but `key` and `relays` has a default; docs/CONFIG.md lists them with their ranges. */
export interface TunnelOptions extends Pick<
  UpConfig,
  | 'relays'
  | 'accounts'
  | 'level'
  | 'allowDowngrade'
  | 'pipelineDepth'
  | 'connectionsPerRelay'
  | 'connectTimeoutMs'
  | 'exchangeTimeoutMs'
  | 'batchWaitMs'
  | 'flowIdleSeconds'
  | 'streamBufferBytes'
  | 'timing'
  | 'logTargets'
> {
  /** The access key of the node. */
  key: string;
  /** Keeps request counts, holds and known nodes over restarts; `fileStore` of `@millrace/client/node` does it in a file. Default: nothing is kept. */
  store?: StateStore;
  /** Aborting closes the tunnel, as `close()` does. */
  signal?: AbortSignal;
  /** Where events go; a hub of the tunnel's own otherwise. */
  events?: EventHub<MillraceEvent>;
}

/** Where a tunnel keeps what it should know after a restart: one text, without secrets. Calls never overlap. */
export interface StateStore {
  /** The text saved last; undefined when there is none. A rejection is told as an event, and counts as none. */
  load(): Promise<string | undefined>;
  /** Replaces it as a whole, or rejects and leaves it as it was. */
  save(text: string): Promise<void>;
  /** Keeps the text elsewhere, since it could not be read and would be replaced. Resolves with where it was and is, for a message. */
  setAside?(): Promise<string>;
}

/** A way to one node, over one or more relays. */
export interface Tunnel {
  /**
   * Opens a TCP connection from the node to a target.
   *
   * Rejects with `TunnelError`: the result of the dial (`DIAL_REFUSED`, `POLICY_DENIED`, ...), the failure of the relays
   * (`RELAY_OFFLINE`, ...), `PEER_DIFFERENT_NODES`, `ABORTED` or `TUNNEL_CLOSED`.
   */
  connect(options: ConnectOptions): Promise<TunnelStream>;
  /** Opens a UDP association. Needs no round trip: each target's flow is opened by its first datagram. */
  udp(options?: { signal?: AbortLike }): Promise<TunnelUdp>;
  /** Asks the node behind each relay who it is. Never rejects for what a relay does; rejects with `ABORTED` or `TUNNEL_CLOSED`. */
  probe(options?: { signal?: AbortSignal }): Promise<ProbeResult[]>;
  /** Checkpoints of the last opens, oldest first. */
  timings(): OpenTiming[];
  /** A picture of the present. */
  stats(): TunnelStats;
  /** What happens in the tunnel. Also published on the diagnostics channel `millrace:client`. */
  readonly events: EventHub<MillraceEvent>;
  /** Resets what is open, tells the node, and closes every connection. Resolves when nothing is left; never rejects. */
  close(): Promise<void>;
}

/** What `Tunnel.connect` opens. */
export interface ConnectOptions {
  /** Target name or address. Names are resolved at the node. An IPv6 address has no brackets. */
  host: string;
  /** Target port, 1 to 65535. */
  port: number;
  /** Bytes that the target gets first. They travel with the connect, so that they cost no round trip of their own. Not to be changed until the stream is open. */
  firstBytes?: Uint8Array | Uint8Array[];
  /** `result` (default) resolves when the target was reached; `early` at once, and `opened` of the stream tells the result. */
  openReply?: 'result' | 'early';
  /** Aborting before the stream is open rejects with `ABORTED`; after it, it resets the stream. */
  signal?: AbortLike;
}

/** One tunnelled TCP connection. */
export interface TunnelStream {
  /** Bytes from the target, in order. Ends when the target ended its side; errors with `TunnelError` when the stream was cut. Cancelling ends this side. */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * Bytes to the target, in order; those written before the stream is open are sent once it is. A chunk may be reused
   * when its write has resolved. Closing is the half-close, and resolves when the node has every byte; aborting ends this
   * side and drops what is not sent yet.
   */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when the target was reached; rejects with `TunnelError` otherwise. Never an unhandled rejection. */
  readonly opened: Promise<void>;
  /** Resolves when both sides have ended cleanly; rejects with `TunnelError` otherwise. Never an unhandled rejection. */
  readonly closed: Promise<void>;
  /** Cuts both sides. `code` (default `STREAM_CLOSED`) is what `readable`, `writable` and `closed` report. */
  reset(code?: ErrorCode): void;
}

/** A datagram, with the target that it goes to or came from. */
export interface Datagram {
  /** Target name or address. What comes back at level 2 has the address that it came from, also where it was sent to a name. */
  host: string;
  /** Target port. */
  port: number;
  /** At most 65,507 bytes. */
  data: Uint8Array;
}

/** One UDP association: datagrams to and from any number of targets. Like UDP itself it may lose and reorder. */
export interface TunnelUdp {
  /** Queues a datagram. Never blocks and never throws for the network: when a queue is full its oldest datagram is dropped and counted. */
  send(datagram: Datagram): void;
  /** Datagrams from the targets. Those that nobody reads are dropped, oldest first. */
  readonly readable: ReadableStream<Datagram>;
  /** Resolves when the association was closed here; rejects with `TunnelError` otherwise. Never an unhandled rejection. */
  readonly closed: Promise<void>;
  /** Closes all flows. */
  close(): void;
  /** Datagrams dropped so far, in both directions. */
  readonly dropped: number;
}

/** What a relay said when asked who is behind it. */
export interface ProbeResult {
  /** The relay, without secrets. */
  relay: string;
  /** Who answered. */
  peer?: PeerEvent;
  /** Why nobody did. */
  error?: TunnelError;
  /** Steps of this exchange. Those of a connection that was ready before count as 0 ms. */
  checkpoints: Checkpoint[];
  /** How long it took, in ms. */
  ms: number;
}

/** One entry of the timing ring. */
export interface OpenTiming {
  /** The `id` of the open in events. */
  id: number;
  /** `HOST:PORT`; only with `logTargets`. */
  target?: string;
  /** Steps so far. */
  checkpoints: Checkpoint[];
  /** Error code, when the open failed. */
  code?: ErrorCode;
}

/** A picture of a tunnel. */
export interface TunnelStats {
  /** Streams that are open or opening. */
  streams: number;
  /** UDP flows that are open or opening. */
  flows: number;
  /** Exchanges under way. */
  exchanges: number;
  /** Operations that wait for a relay. */
  waiting: number;
  /** Bytes held for applications that have not read them. */
  receivedBytes: number;
  /** Bytes held that applications have written. */
  unsentBytes: number;
  /** Memory that level 2 answers for, and the most that this can be with as many streams (docs/LIMITS.md). Absent at level 1. */
  memory?: { heldBytes: number; boundBytes: number };
  /** One entry per relay. */
  relays: RelayStats[];
  /** One entry per account of relays. */
  accounts: AccountStats[];
}

/** A picture of one account. */
export interface AccountStats {
  /** Its name, or that of its only relay, without secrets. */
  account: string;
  /** Requests under way. */
  inFlight: number;
  /** Requests counted since the last reset, or in the last 24 hours. */
  requestsToday: number;
  /** How many the provider allows; absent where nobody counts. */
  dailyRequests?: number;
  /** When the count is expected to begin anew, in ms since 1970; while exhausted, when requests are expected to pass again. Absent where that is known of none. */
  resetAt?: number;
  /** As many as may be used were counted, or the provider said so: nothing is sent but, now and then, a request that finds out. */
  exhausted: boolean;
}

/** A picture of one relay. */
export interface RelayStats {
  /** The relay, without secrets. */
  relay: string;
  /** Level of the wire at which streams are opened over it; absent while that is not known. */
  level?: 1 | 2;
  /** The account that it belongs to, as in `AccountStats`. */
  account: string;
  /** `works`; `resting` after a failure, and gets no request for `restMs`; `trying`: one request finds out whether it works again. */
  state: 'works' | 'resting' | 'trying';
  /** Requests under way. */
  inFlight: number;
  /** Typical time of an exchange, in ms; absent before the first. */
  latencyMs?: number;
  /** How long it still rests. */
  restMs?: number;
  /** Error code: why it rests. */
  code?: ErrorCode;
}

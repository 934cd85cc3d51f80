/**
 * Events: what a library publishes on `diagnostics_channel`, what metrics count and what `--json` prints, one per line.
 * Match on `event`. New events and new optional fields may be added in any release.
 */
import type { Count } from './scalars.js';

/** Milliseconds, with fractions. @minimum 0 */
export type Ms = number;

/** Everything that is listening. The first line that `--json` prints. */
export interface ReadyEvent {
  event: 'ready';
  /** SOCKS5 proxy, `HOST:PORT`. */
  socks?: string;
  /** HTTP proxy, `HOST:PORT`. */
  http?: string;
  /** Forwards, `HOST:PORT=TARGET` each. */
  forward?: string[];
  /** Address of the node, as relays and clients use it. */
  node?: string;
  /** Address of the relay, as clients use it. Without its token. */
  relay?: string;
  /** Address of the admin listener. */
  admin?: string;
}

/** A relay led to a node for the first time, or to another one than before. */
export interface PeerEvent {
  event: 'peer';
  /** The relay, without secrets. */
  relay: string;
  /** Software version of the node; absent where it does not tell. */
  version?: string;
  /** Level of the wire that is spoken. */
  level: Count;
  /** Capability bits of the node. */
  caps: Count;
  /** Random id of the running node: a UUID at level 1, its first 16 digits at level 2. Absent where it does not tell. */
  node?: string;
  /** The node's clock minus ours; absent where it does not tell. */
  clockSkewMs?: number;
}

/** A stream or flow was asked for. */
export interface OpenEvent {
  event: 'open';
  /** Counts streams and flows of this process. */
  id: Count;
  kind: 'stream' | 'flow';
  /** Only where targets are logged. */
  target?: string;
}

/** A stream or flow works. On the node: the dial succeeded. */
export interface OpenedEvent {
  event: 'opened';
  id: Count;
  kind: 'stream' | 'flow';
  /** From the open. */
  ms: Ms;
}

/** A stream or flow could not be opened. */
export interface OpenFailedEvent {
  event: 'open-failed';
  id: Count;
  kind: 'stream' | 'flow';
  /** Error code. */
  code: string;
  ms: Ms;
  /** Checkpoints, for a client. */
  checkpoints?: Checkpoint[];
}

/** A stream or flow ended. */
export interface ClosedEvent {
  event: 'closed';
  id: Count;
  kind: 'stream' | 'flow';
  /** Bytes towards the target. */
  bytesUp: Count;
  /** Bytes from the target. */
  bytesDown: Count;
  /** Error code; absent for a clean end. */
  code?: string;
  ms: Ms;
}

/** One step of an open. */
export interface Checkpoint {
  /** `name`, `tcp`, `tls`, `sent`, `relay-answered`, `dialled`, `first-byte` or `attempt_N`. */
  step: string;
  /** From the open. */
  ms: Ms;
}

/** The checkpoints of an open that has seen its first byte. Only with `timing`. */
export interface TimingEvent {
  event: 'timing';
  id: Count;
  checkpoints: Checkpoint[];
}

/** Datagrams were dropped. */
export interface DroppedEvent {
  event: 'dropped';
  id: Count;
  /** How many. */
  count: Count;
  /** Error code: why. */
  code: string;
}

/** One request to a relay and its answer; where a relay tells it, one request to its node. */
export interface ExchangeEvent {
  event: 'exchange';
  relay: string;
  /** 0 where a relay tells it: it does not look into bodies. */
  ops: Count;
  bytesOut: Count;
  bytesIn: Count;
  ms: Ms;
  /** Error code; absent for success. */
  code?: string;
}

/** A relay failed and rests. */
export interface RelayFailedEvent {
  event: 'relay-failed';
  relay: string;
  /** Error code: the cause. */
  code: string;
  message: string;
  /** How long it gets no request. */
  restMs: Ms;
}

/** A relay that failed works again. */
export interface RelayWorksEvent {
  event: 'relay-works';
  relay: string;
}

/** No account takes requests any more: their quotas of the day are used up, or they were told to wait. Told again when it takes longer than told. */
export interface AccountsExhaustedEvent {
  event: 'accounts-exhausted';
  /** Error code: why the account that goes on first does not now. */
  code: string;
  /** That account. */
  account: string;
  /** All of them. */
  accounts: string[];
  /** Their relays, without secrets. */
  relays: string[];
  /** When the first is expected to go on, in ms since 1970-01-01 UTC. */
  until: Count;
  /** From now until then. */
  inMs: Ms;
  /** Time zone in which the provider of that account counts; absent where it has none. */
  timeZone?: string;
}

/** What is kept over restarts could not be read, or not be written. The tunnel works without it. */
export interface StateFailedEvent {
  event: 'state-failed';
  /** `load`: it begins anew; `save`: it is tried again. */
  phase: 'load' | 'save';
  message: string;
}

/** The node ran a batch. */
export interface BatchEvent {
  event: 'batch';
  ops: Count;
  /** Ops by kind. */
  kinds: OpCount[];
  /** Bytes of payload towards targets. */
  bytesUp: Count;
  /** Bytes of payload drained. */
  bytesDown: Count;
  ms: Ms;
}

/** The node answered an exchange of level 2. */
export interface AnsweredEvent {
  event: 'answered';
  /** Counts clients of this process. */
  client: Count;
  /** Bytes of payload handed to targets since the client's last answer. */
  bytesUp: Count;
  /** Bytes of payload taken from targets since then. */
  bytesDown: Count;
  /** Size of the answer. */
  bodyBytes: Count;
  /** How long the exchange was held. */
  ms: Ms;
}

/** The node heard of a client of level 2 for the first time. */
export interface ClientKnownEvent {
  event: 'client-known';
  /** Counts clients of this process. */
  client: Count;
}

/** The node forgot a client of level 2: it was silent for too long, or made room for another one. */
export interface ClientForgottenEvent {
  event: 'client-forgotten';
  client: Count;
  /** Streams and flows that were cut. */
  streams: Count;
  /** How long it was known. */
  ms: Ms;
}

/** How many ops of a kind. */
export interface OpCount {
  op: string;
  count: Count;
}

/** The node dialled a target. */
export interface DialEvent {
  event: 'dial';
  /** `ok`, or an error code. */
  result: string;
  ms: Ms;
}

/** A request was refused before it was run. */
export interface RefusedEvent {
  event: 'refused';
  /** Error code: the cause. */
  code: string;
}

/** A local proxy or forward turned a program away before anything was opened. */
export interface ProxyRefusedEvent {
  event: 'proxy-refused';
  /** Which listener. */
  proxy: 'socks' | 'http' | 'forward';
  /** Error code: the cause. */
  code: string;
  message: string;
}

/** A process is shutting down. */
export interface ShutdownEvent {
  event: 'shutdown';
  /** `draining` while running streams go on, `closed` when all is done. */
  phase: 'draining' | 'closed';
  /** Streams and flows still open. */
  streams: Count;
}

/** The command failed. The last line that `--json` prints then. */
export interface ErrorEvent {
  event: 'error';
  /** Error code. */
  code: string;
  message: string;
  /** What to do. */
  next: string;
}

/** One check of `millrace doctor`. */
export interface CheckEvent {
  event: 'check';
  /** What was checked. */
  name: string;
  /** The relay that it was checked for, without secrets. Absent for checks of this machine. */
  relay?: string;
  ok: boolean;
  /** Not ok, but the tunnel works without it. */
  warning?: boolean;
  /** Error code where it is not. */
  code?: string;
  message: string;
  /** What to do where it is not. */
  next?: string;
  ms: Ms;
}

/** What a simulated relay bears at most: `millrace relay --faults` and `millrace up --embedded --faults` begin with it. */
export interface SimulatorEvent {
  event: 'simulator';
  /** Seed of its faults. */
  seed: Count;
  /** Mean time that its delays add to an exchange. */
  roundTripMs: Ms;
  /** Megabytes a second towards the node, by its rates; absent where they are without limit. */
  upMBps?: number;
  /** Towards the client. */
  downMBps?: number;
  /** What a bare loop through the same delays and rates reached, in each direction; absent where that would have taken too long. */
  measuredMBps?: number;
  /** Requests a second of that loop. */
  measuredRequestsPerSecond?: number;
}

/** What went through a simulated relay, told when it ends. */
export interface SimulatorCountsEvent {
  event: 'simulator-counts';
  seed: Count;
  requests: Count;
  /** Requests to the second addresses of redirects. */
  redirected: Count;
  mostConcurrent: Count;
  /** From clients, HTTP heads included. */
  bytesUp: Count;
  /** To clients. */
  bytesDown: Count;
  /** Longest time without a byte to any client while a request was under way. */
  longestSilenceMs: Ms;
  /** Those that happened. */
  faults: FaultCount[];
}

/** How often a fault happened. */
export interface FaultCount {
  fault: string;
  count: Count;
}

/** Any event. */
export type MillraceEvent =
  | ReadyEvent
  | PeerEvent
  | OpenEvent
  | OpenedEvent
  | OpenFailedEvent
  | ClosedEvent
  | TimingEvent
  | DroppedEvent
  | ExchangeEvent
  | RelayFailedEvent
  | RelayWorksEvent
  | AccountsExhaustedEvent
  | StateFailedEvent
  | BatchEvent
  | AnsweredEvent
  | ClientKnownEvent
  | ClientForgottenEvent
  | DialEvent
  | RefusedEvent
  | ProxyRefusedEvent
  | ShutdownEvent
  | ErrorEvent
  | CheckEvent
  | SimulatorEvent
  | SimulatorCountsEvent;

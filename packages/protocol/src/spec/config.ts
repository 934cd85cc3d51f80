/**
 * Configuration: every flag of the command line under the same name, and the options of the libraries. Times end in
 * `Ms` or `Seconds`, sizes in `Bytes`. Unknown keys are errors that name the nearest right one.
 */
import type { Count, Port } from './scalars.js';

/** A configuration file. Each section holds the flags of the command of that name. @additionalProperties false */
export interface MillraceConfig {
  /** Address of the JSON schema, for editors. Ignored. */
  $schema?: string;
  /** The client: `millrace up` and `millrace doctor`. */
  up?: UpConfig;
  /** What only `millrace doctor` asks for. */
  doctor?: DoctorConfig;
  /** The tunnel node: `millrace node`. */
  node?: NodeConfig;
  /** The relay: `millrace relay`. */
  relay?: RelayConfig;
}

/** One way to the node. @additionalProperties false */
export interface RelayEntry {
  /** `http:` or `https:` address of the relay, script or node. @minLength 1 */
  url: string;
  /** What answers there: `node` a tunnel node itself (`/tunnel/batch` is appended), `relay` a Millrace relay, `script` a script of the existing kind that checks its own key. @default "relay" */
  kind?: 'node' | 'relay' | 'script';
  /** Token of a Millrace relay, or the key that a script checks. Secret. @secret */
  token?: string;
  /** File with the token; `-` reads standard input. Read by the command line only. */
  tokenFile?: string;
  /** Account whose quota and concurrency this relay shares; relays without one have an account of their own. */
  account?: string;
  /** `HOST:PORT` to connect to instead of the host of `url`, as curl's `--connect-to`. */
  connectTo?: string;
  /** Server name for TLS (SNI and certificate check) instead of the host of `url`. */
  tlsName?: string;
  /** PEM file with certificate authorities to trust besides the system's, for this relay. */
  caFile?: string;
  /** What bodies it carries whole: `bytes`, or `text` only. `auto` takes text for a script and finds out for others. @default "auto" */
  carries?: 'auto' | 'bytes' | 'text';
  /** Level 2: longest that it bears an exchange without an answer; the hold adapts below it. @minimum 0 @maximum 600000 @default 30000 */
  holdMs?: Count;
  /** Level 2: largest request body that it takes, as it travels. @minimum 4096 @maximum 67108864 @default 4194304 */
  maxRequestBytes?: Count;
  /** Level 2: largest response body that it passes on, as it travels. Larger costs fewer requests and more memory. @minimum 4096 @maximum 67108864 @default 4194304 */
  maxResponseBytes?: Count;
}

/** Bounds of one account of a relay provider. @additionalProperties false */
export interface AccountEntry {
  /** The name that relay entries use. @minLength 1 */
  name: string;
  /** Requests at once over all relays of the account. Apps Script bears 30; more are answered with errors. @minimum 1 @maximum 1024 @default 30 */
  maxConcurrent?: Count;
  /** Requests a day that the provider allows over all relays of the account; absent where it does not count. Apps Script allows 20,000. @minimum 1 @maximum 1000000000 */
  dailyRequests?: Count;
  /** When the count begins anew: `HH:MM` and a time zone name, such as `00:00 America/Los_Angeles`; or `rolling` for 24 hours after each request. Corrected by what is seen. @default "00:00 UTC" */
  quotaReset?: string;
  /** Part of `dailyRequests` that is left unused, in per cent, since providers count in their own way. @minimum 0 @maximum 90 @default 5 */
  quotaMarginPercent?: Count;
}

/** The client. @additionalProperties false */
export interface UpConfig {
  /** Runs a node and a relay in this process too, on loopback, with a key made for this run. @default false */
  embedded?: boolean;
  /** With `embedded`: lets applications reach loopback and private addresses through it. @default false */
  allowPrivate?: boolean;
  /** Address of the SOCKS5 proxy; empty for none. @default "127.0.0.1:1080" */
  socks?: string;
  /** Address of the HTTP proxy; empty for none. @default "127.0.0.1:8080" */
  http?: string;
  /** Port forwards, `[ADDRESS:]PORT=HOST:PORT` each. @default [] */
  forward?: string[];
  /** User name that the proxies ask for. Needed to bind them outside loopback. */
  proxyUser?: string;
  /** File with the password that the proxies ask for; `-` reads standard input. */
  proxyPasswordFile?: string;
  /** Ways to the node. At least one, unless `embedded`. @default [] */
  relays?: RelayEntry[];
  /** Accounts that relays belong to. @default [] */
  accounts?: AccountEntry[];
  /** Level of the wire: `2` for nodes of this project, `1` for existing fleets, `auto` to begin with 1 and change to 2 for relays and nodes that show it. @default "auto" */
  level?: 'auto' | '1' | '2';
  /** With `auto`: goes on at level 1 when a node that once spoke level 2 does not any more, instead of failing. @default false */
  allowDowngrade?: boolean;
  /** File that keeps request counts, holds and known nodes over restarts; empty for none. @default "" */
  stateFile?: string;
  /** File with the access key; `-` reads standard input. Else `MILLRACE_KEY` is read. */
  keyFile?: string;
  /** When an application hears of its connection: `result` after the dial, `early` at once. @default "result" */
  openReply?: 'result' | 'early';
  /** With `early`: how long an application may take to send its first bytes, so that they travel with the connect. @minimum 0 @maximum 1000 @default 50 */
  firstBytesMs?: Count;
  /** Level 1: ops in flight for one active stream. More hides the relay's round trip and costs requests. @minimum 1 @maximum 8 @default 2 */
  pipelineDepth?: Count;
  /** Connections kept ready per relay. @minimum 1 @maximum 256 @default 8 */
  connectionsPerRelay?: Count;
  /** How long opening a connection to a relay may take, TLS included. @minimum 100 @maximum 60000 @default 8000 */
  connectTimeoutMs?: Count;
  /** How long a reply may take. Raised to what the protocol needs for pipelined batches. @minimum 1000 @maximum 600000 @default 60000 */
  exchangeTimeoutMs?: Count;
  /** How long a batch waits for more ops, at most. Connects and first bytes never wait. @minimum 0 @maximum 1000 @default 20 */
  batchWaitMs?: Count;
  /** Flows without datagrams for this long are closed. @minimum 1 @maximum 86400 @default 120 */
  flowIdleSeconds?: Count;
  /** Bytes that one stream may hold for an application that does not read. @minimum 65536 @maximum 67108864 @default 16777216 */
  streamBufferBytes?: Count;
  /** Prints the checkpoints of every open, not only of failed ones. @default false */
  timing?: boolean;
  /** Names targets in events and messages. Off, since a log of targets is a log of what people read. @default false */
  logTargets?: boolean;
}

/** The checks of a set-up, besides the client's own options. @additionalProperties false */
export interface DoctorConfig {
  /** Targets to dial through each relay, `HOST:PORT` each. Without one, the dial is shown by the node's answer for an address of its own. @default [] */
  target?: string[];
  /** Target to dial over IPv6, `[ADDRESS]:PORT`; empty skips the check. No default, since it would show a stranger that the node runs. @default "" */
  ipv6Target?: string;
  /** How far the clocks here and at the node may be apart. @minimum 1 @maximum 86400 @default 60 */
  maxClockSkewSeconds?: Count;
  /** Makes warnings fail too: an older node, no IPv6. @default false */
  strict?: boolean;
}

/** The tunnel node. @additionalProperties false */
export interface NodeConfig {
  /** Address of the tunnel listener. @default "127.0.0.1:8700" */
  listen?: string;
  /** Address of the admin listener (`/healthz`, `/readyz`, `/metrics`); empty for none. @default "127.0.0.1:8701" */
  admin?: string;
  /** File with the access key; `-` reads standard input. Else `MILLRACE_KEY` is read. */
  keyFile?: string;
  /** PEM certificate chain: serves HTTPS. Needs `tlsKeyFile`. */
  tlsCertFile?: string;
  /** PEM private key of `tlsCertFile`. */
  tlsKeyFile?: string;
  /** Lets clients reach loopback, private and link-local addresses, still not the node's own listeners. @default false */
  allowPrivate?: boolean;
  /** Only these target ports; empty allows all. @itemsAre Port @default [] */
  allowPorts?: Port[];
  /** Never these target ports. @itemsAre Port @default [25] */
  denyPorts?: Port[];
  /** Only these target names: `example.org`, or `.example.org` with everything below it. Empty allows all. @default [] */
  allowNames?: string[];
  /** Never these target names. @default [] */
  denyNames?: string[];
  /** Says in the answer why a request was refused. For setting up only: it shows a stranger what stands here. @default false */
  diagnose?: boolean;
  /** On SIGTERM, how long running streams may go on. @minimum 0 @maximum 3600 @default 30 */
  drainSeconds?: Count;
  /** Streams and flows at once. Each may hold 16 MiB towards a client that does not drain it. @minimum 1 @maximum 65536 @default 4096 */
  maxStreams?: Count;
  /** Bytes that all streams together may hold; beyond it targets are no longer read. @minimum 16777216 @maximum 68719476736 @default 536870912 */
  maxBufferedBytes?: Count;
  /** Level 2: clients at once; another one takes the place of the longest silent one without streams. @minimum 1 @maximum 65536 @default 256 */
  maxClients?: Count;
  /** Level 2: a client that is silent for this long is forgotten and its streams are reset. @minimum 10 @maximum 86400 @default 120 */
  clientIdleSeconds?: Count;
  /** Bytes of request bodies being read or run at once; beyond it new requests are refused as busy. @minimum 67108864 @maximum 68719476736 @default 536870912 */
  maxRequestBytes?: Count;
  /** How long a dial may take, name and all addresses together. @minimum 100 @maximum 60000 @default 10000 */
  dialTimeoutMs?: Count;
  /** How long a batch of idle polls may be held. Lower it for relays that cut sooner. @minimum 0 @maximum 120000 @default 15000 */
  longPollMs?: Count;
  /** How long an active op waits for bytes of its own stream (`ACTIVE_DRAIN_DEADLINE`). @minimum 0 @maximum 10000 @default 350 */
  activeDrainMs?: Count;
  /** Step in which stragglers are settled. @minimum 1 @maximum 1000 @default 10 */
  settleStepMs?: Count;
  /** How long stragglers are settled, at most. @minimum 0 @maximum 10000 @default 1000 */
  settleMaxMs?: Count;
  /** How long an op waits for the turn of its `seq` (`SEQ_WAIT_TIMEOUT`). @minimum 100 @maximum 600000 @default 30000 */
  seqWaitMs?: Count;
  /** TCP streams that no op names for this long are closed. @minimum 1 @maximum 86400 @default 300 */
  streamIdleSeconds?: Count;
  /** UDP flows without datagrams for this long are closed. @minimum 1 @maximum 86400 @default 120 */
  flowIdleSeconds?: Count;
  /** Names targets in events and messages. Off, since a log of targets is a log of what people read. @default false */
  logTargets?: boolean;
}

/** The relay. @additionalProperties false */
export interface RelayConfig {
  /** Address that it listens on. @default "127.0.0.1:8800" */
  listen?: string;
  /** Address of its one node, `http:` or `https:`. */
  node?: string;
  /** File with the token that clients must show; `-` reads standard input. Else `MILLRACE_RELAY_TOKEN` is read. */
  tokenFile?: string;
  /** Prints an Apps Script file with node and token filled in, instead of listening. @default false */
  appsScript?: boolean;
  /** How long the node may take to answer. @minimum 1000 @maximum 600000 @default 120000 */
  nodeTimeoutMs?: Count;
  /** Exchanges at once; more are answered as busy. @minimum 1 @maximum 65536 @default 512 */
  maxConcurrent?: Count;
}

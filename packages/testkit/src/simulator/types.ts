import type { SimulatedAccounts } from './accounts.js';

/**
 * How long something takes, in ms. `fixed`: always the same. `uniform`: anything between two. `coldStart`: something that
 * has to be started first takes a time between the two, and as long as `warm` says once it runs; it has to be started again after
 * `idleMs` (default 300,000) without a request. Who comes while it starts waits for it.
 */
export type Delay =
  | { readonly fixed: number }
  | { readonly uniform: readonly [number, number] }
  | { readonly coldStart: readonly [number, number]; readonly warm: SteadyDelay; readonly idleMs?: number };

/** A delay that does not depend on what was before. */
export type SteadyDelay = Exclude<Delay, { readonly coldStart: unknown }>;

/** One direction of a leg. */
export interface LinkOptions {
  /** How long bytes are on their way once the last of them was sent; drawn for each exchange. Default `{ fixed: 0 }`; up to 10 minutes. */
  readonly delayMs?: Delay;
  /** Megabits a second, HTTP heads included, all connections together. Default 0, which is without limit; at least 0.01 else. */
  readonly rateMbps?: number;
}

/** A leg of the way: between client and relay, or between relay and node. */
export interface LegOptions {
  /** Towards the node. */
  readonly up?: LinkOptions;
  /** Towards the client. */
  readonly down?: LinkOptions;
}

/**
 * What may happen to a request, each with its probability from 0 to 1, default 0. At most one of them happens to one request, so
 * together they are at most 1.
 */
export interface FaultOdds {
  /** The node never sees it; nothing is answered. */
  readonly requestLost?: number;
  /** The node never sees it; the relay says that it cannot reach the node. */
  readonly requestRefused?: number;
  /** The node never sees it; the connection is reset. */
  readonly requestReset?: number;
  /** The node runs it; nothing is answered. */
  readonly responseLost?: number;
  /** The node runs it; the connection is reset instead of an answer. */
  readonly responseReset?: number;
  /** The node runs it; the answer is 200 without a byte. */
  readonly responseEmpty?: number;
  /** The node runs it; the answer is cut somewhere in its body. */
  readonly responseTruncated?: number;
  /** The node runs it; the answer is a page with status 200. */
  readonly responseHtml?: number;
  /** The node gets it twice, at the same time or one later (`doubledGapMs`); one of the two answers is handed back. */
  readonly doubled?: number;
  /** It comes to the node, or its answer to the client, so late (`lateMs`) that the client may have given up. */
  readonly late?: number;
  /** It waits until later requests (up to four) have gone to the node before it, or `reorderMs` are over. */
  readonly reordered?: number;
}

/** While it lasts every request is answered with a status, and the node sees none. Bounds are by time or by number of request, from (included) to (not included). */
export type RefusalWindow = {
  /** 400 to 599. */
  readonly status: number;
  /** Seconds, sent as `Retry-After`. Default: not sent. */
  readonly retryAfterSeconds?: number;
} & (
  | { /** ms since the start. */ readonly fromMs: number; readonly toMs: number }
  | { /** Counts from 0. */ readonly fromRequest: number; readonly toRequest: number }
);

/** Options of {@link startRelaySimulator} that a file can hold. */
export interface SimulatorSettings {
  /** Seed of everything that is drawn, 0 to 2^32 − 1. The same order of requests meets the same faults. Default 1. */
  readonly seed?: number;
  /**
   * Carries text only, as a script does: anything else is answered with an error page, and of the request's headers and the
   * node's status nothing survives. Default false: bytes, content type and status are passed on.
   */
  readonly textOnly?: boolean;
  /** Between client and relay. */
  readonly clientLeg?: LegOptions;
  /** Between relay and node. */
  readonly nodeLeg?: LegOptions;
  readonly faults?: FaultOdds;
  /** Time between the two of a doubled request, where one is later. Default [0, 2000]. */
  readonly doubledGapMs?: readonly [number, number];
  /** How much later a late one is. Default [10000, 40000]. */
  readonly lateMs?: readonly [number, number];
  /** Longest time that a reordered request waits for others. Default 500. */
  readonly reorderMs?: number;
  /** How long silence lasts: after that the connection is reset. Default 120,000. */
  readonly silenceMs?: number;
  /** Makes a slow relay of it: delays times this, rates divided by this. 1 to 1,000, default 1. */
  readonly slowFactor?: number;
  /** Times at which requests are refused. At most 1,000. */
  readonly windows?: readonly RefusalWindow[];
  /** Account whose limits these are; relays with one `accounts` object share what they use of it. Default: one of its own. */
  readonly account?: string;
  /** Requests at once of the account; more get the page of a script that was called too often. Default 0, which is without limit. */
  readonly concurrency?: number;
  /** Requests a day of the account; then the page of a script whose quota is used up. Default 0, which is without limit. */
  readonly dailyRequests?: number;
  /** How long a day is. It starts with the account. Default 86,400,000. */
  readonly dayMs?: number;
  /** Redirects (302) until the answer, which the last address serves once, by GET. 0 to 5; default 0, scripts have 1. */
  readonly redirects?: number;
}

export interface RelaySimulatorOptions extends SimulatorSettings {
  /** `http:` or `https:` address of the node. Bodies go to `/tunnel/batch` there. */
  readonly node: string;
  /** HOST:PORT, default 127.0.0.1:0. */
  readonly listen?: string;
  /** What clients add to the address as `?token=`; anything else gets a plain 404 page. Default: nothing is checked. */
  readonly token?: string;
  /** Shares what is used of accounts with other simulators of this process. */
  readonly accounts?: SimulatedAccounts;
  /** Told of each fault when it happens, with the number of the request, from 0; −1 for what was not let in. */
  readonly onFault?: (fault: CountedFault, request: number) => void;
}

/** Names of the faults that a simulator counts. */
export type CountedFault =
  | keyof FaultOdds
  | 'notText'
  | 'wrongToken'
  | 'window'
  | 'concurrency'
  | 'dailyRequests'
  | 'nodeFailed'
  | 'tooLarge'
  | 'overloaded';

/** What went through so far. Bytes are those of HTTP, heads included. */
export interface SimulatorStats {
  /** Requests, without those to second addresses. */
  readonly requests: number;
  readonly redirected: number;
  readonly bytes: {
    readonly clientUp: number;
    readonly clientDown: number;
    readonly nodeUp: number;
    readonly nodeDown: number;
  };
  readonly faults: Readonly<Record<CountedFault, number>>;
  /** Exchanges under way now, and most at once. */
  readonly concurrent: number;
  readonly mostConcurrent: number;
  /** Exchanges that are silent now. */
  readonly silent: number;
  /** Bytes of bodies that it holds now, and most at once. */
  readonly heldBytes: number;
  readonly mostHeldBytes: number;
  /** Longest time without a byte to any client while a request was under way, in ms. */
  readonly longestSilenceMs: number;
}

/** What the configured legs bear at most, computed; faults and limits of accounts left out. */
export interface Ceiling {
  /** Mean time that the legs add to an exchange of no size. */
  readonly roundTripMs: number;
  /** Requests a second, of no size, that many in flight; undefined where the legs add no time. */
  readonly requestsPerSecond?: number;
  /** Megabytes a second towards the node; undefined is without limit. */
  readonly upMBps?: number;
  /** Megabytes a second towards the client; undefined is without limit. */
  readonly downMBps?: number;
}

/** What a bare loop through the legs reached. Bodies go up and come back the same. */
export interface MeasuredCeiling {
  readonly requests: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly requestsPerSecond: number;
  /** Megabytes a second, in each direction at the same time. */
  readonly MBps: number;
}

export interface RelaySimulator {
  /** Address for clients, with a path and without a token. */
  readonly url: string;
  readonly seed: number;
  stats(): SimulatorStats;
  /** @param inFlight requests at once, default 1 */
  ceiling(inFlight?: number): Ceiling;
  /**
   * Measures what these legs bear, in the same process, by a bare loop of bodies against an echo; without faults and limits.
   * Defaults: 65,536 `bytes`, 8 `inFlight`, 4 × `inFlight` `requests`.
   */
  measureCeiling(options?: {
    bytes?: number;
    inFlight?: number;
    requests?: number;
    signal?: AbortSignal;
  }): Promise<MeasuredCeiling>;
  /** Cuts all connections and forgets all that it holds; resolves when every socket is gone. */
  close(): Promise<void>;
}

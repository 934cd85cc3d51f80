import type { TunnelOptions } from '@millrace/client';
import type { ErrorCode, RelayEntry } from '@millrace/protocol';

/** What a live measurement may do. */
export interface LiveOptions {
  /** The user's own way: the same options as for `openTunnel`. */
  tunnel: TunnelOptions;
  /** `http:` or `https:` page to fetch through the tunnel, for download; none skips it. The tunnel has no server of its own to measure with. */
  download?: string;
  /** `http:` or `https:` address that takes a POST, for upload; none skips it. */
  upload?: string;
  /** Payload bytes per relay and direction, at most. Default 4 MiB. */
  maxBytes?: number;
  /** Questions per relay for the latency, one at a time. Default 5. */
  probes?: number;
  /** Requests after which a relay is given up; those under way then come on top. Default 500, less where its account counts the requests of a day. */
  maxRequests?: number;
  /** Longest time for one relay. Default 60 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Told when a part begins. `relay` is its address without secrets. */
  onPart?(relay: string, part: LivePart): void;
  /** Told when a relay is done. */
  onRelay?(result: LiveRelay): void;
}

/** What is measured of a relay, in this order. */
export type LivePart = 'latency' | 'download' | 'upload';

/** Why a part could not be measured. */
export interface LiveError {
  part: LivePart;
  /** Of the tunnel, or `ABORTED` where a limit or a signal ended it; absent for what the server said or did. */
  code?: ErrorCode;
  text: string;
}

/** What was found of one relay. */
export interface LiveRelay {
  /** The relay's address without secrets. */
  relay: string;
  kind: NonNullable<RelayEntry['kind']>;
  /** Whether it answered at all. */
  works: boolean;
  /** Why it did not, or why a direction could not be measured. */
  errors: LiveError[];
  /** Level of the wire that was spoken over it at the end. */
  level?: number;
  latencyMsP50?: number;
  latencyMsMax?: number;
  downloadMBps?: number;
  downloadBytes?: number;
  uploadMBps?: number;
  uploadBytes?: number;
  /** Requests that this measurement has cost, of the relay's quota. */
  requests: number;
  /** Bytes between here and the relay. */
  wireBytes: number;
  /** Payload that one request carried on average, in the direction that is better. */
  payloadBytesPerRequest?: number;
}

/** A live measurement. */
export interface LiveReport {
  relays: LiveRelay[];
  /** Requests in all. */
  requests: number;
  /** What to change, the most useful first. */
  advice: string[];
}

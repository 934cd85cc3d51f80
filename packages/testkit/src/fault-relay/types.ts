import type { ErrorCode } from '@millrace/protocol';
import type { Gate } from '../gate.js';

/** What the relay does with one request. */
export type Fault =
  /** Forwards it and hands back the answer. */
  | { do: 'pass' }
  /** Answers an HTML page, with status 200 by default; nothing is forwarded. */
  | { do: 'html'; status?: number; page?: string }
  /**
   * Forwards it and cuts the answer after `keepBytes` bytes (half of it by default): by a content-length that promises
   * more, or by a chunked body without its end.
   */
  | { do: 'truncate'; how: 'length' | 'chunked'; keepBytes?: number }
  /** Answers 200 with an empty body, after forwarding where `forward` is set. */
  | { do: 'empty'; forward?: boolean }
  /** Answers a status with a small page; nothing is forwarded. */
  | { do: 'status'; status: number; headers?: Readonly<Record<string, string>>; page?: string }
  /** Answers the page of an Apps Script whose quota is used up: per `day`, or per short time (`rate`). */
  | { do: 'quota-page'; quota: 'day' | 'rate' }
  /** Answers `{"e","code"}` with status 200, as a Millrace relay does; nothing is forwarded. */
  | { do: 'json-error'; code: ErrorCode; message?: string }
  /** Answers these bytes with status 200; nothing is forwarded. */
  | { do: 'body'; body: string | Uint8Array; contentType?: string }
  /** Waits at a gate before it forwards (`request`) or before it hands the answer back (`response`), then goes on. */
  | { do: 'hold'; at: 'request' | 'response'; gate: Gate; next?: Fault }
  /** Cuts the connection; nothing is forwarded. */
  | { do: 'drop-request' }
  /** Forwards it, lets the node finish, then cuts the connection without an answer. */
  | { do: 'drop-response' }
  /** Forwards it twice, one after the other, and hands back one of the answers (the first by default). */
  | { do: 'duplicate'; answer?: 'first' | 'second' }
  /**
   * 302 and 303: forwards it, then serves the answer once at a second address. 307 and 308: has it sent again to a
   * second address. `hops` redirects in a row (1 by default). `location` sends it there instead, whatever stands there.
   */
  | { do: 'redirect'; status: 302 | 303 | 307 | 308; hops?: number; location?: string };

/** A fault, or just the name of one that needs nothing else. */
export type FaultChoice = Fault | 'pass' | 'html' | 'empty' | 'drop-request' | 'drop-response' | 'duplicate';

/** A request as the relay got it, before it decides. */
export interface RelayedRequest {
  /** Counts requests from 0. Requests to second addresses of a redirect are not counted. */
  readonly index: number;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** A request and everything that became of it. */
export interface RelayedExchange extends RelayedRequest {
  readonly fault: Fault;
  /** Answers of the node, in order; two of them for a duplicate. Bodies are kept only with `recordBodies`. */
  readonly answers: readonly NodeAnswer[];
  /** Resolves when the relay is done with it: answered, cut, or given up by the client. */
  readonly finished: Promise<void>;
}

export interface NodeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface FaultRelayOptions {
  /** `http:` address of the node, without a path: requests go to `/tunnel/batch` there, or `/tunnel` where asked for. */
  node: string;
  /** What to do with the first requests, in order; `pass` when it is used up. */
  faults?: readonly FaultChoice[];
  /** Decides per request, after `faults` is used up. */
  decide?: (request: RelayedRequest) => FaultChoice | Promise<FaultChoice>;
  /** Whether `exchanges` keeps bodies, true by default. Turn it off to move many bytes. */
  recordBodies?: boolean;
}

/** A relay that fails when it is told to. */
export interface FaultRelay {
  /** Address for clients, with a path and without a token. */
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly exchanges: readonly RelayedExchange[];
  /** The request with this number, from 0, now or when it comes. */
  exchange(index: number): Promise<RelayedExchange>;
  /** Adds to the queue of faults. */
  push(...faults: FaultChoice[]): void;
  /** Ends it with all its connections; resolves when every socket is gone. */
  close(): Promise<void>;
}

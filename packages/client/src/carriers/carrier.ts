/**
 * The one interface between levels and carriers. A carrier moves bodies: it neither knows what is in them nor keeps
 * any. Carriers in which a body has an answer are `paired`; the others hand arriving bodies to `onBody`.
 */
import type { AbortLike, ErrorCode } from '@millrace/protocol';

/** A way to move bodies between this client and a node. */
export interface Carrier {
  /** What it can do. Constant. */
  readonly abilities: CarrierAbilities;
  /** Gets ready in the background (opens connections). Never fails: what is wrong shows at `send`. */
  prepare(): void;
  /** Sends one body. Never rejects. Paired carriers answer with the body that came back, others with an empty one once the body is on its way. */
  send(body: Uint8Array, options: SendOptions): Promise<CarrierAnswer>;
  /** Only on carriers that are not paired: called with each body that arrives. */
  onBody?: (body: Uint8Array) => void;
  /** Ends everything under way, and resolves when no handle is left. */
  close(): Promise<void>;
}

/** What a carrier can do. */
export interface CarrierAbilities {
  /** Each body sent has an answer of its own. */
  readonly paired: boolean;
  /** Bodies arrive in the order sent. */
  readonly ordered: boolean;
  /** A body that was sent arrives, or its failure is told. */
  readonly reliable: boolean;
  /** `text` carriers bear nothing but UTF-8 text. */
  readonly form: 'bytes' | 'text';
  /** Largest body in either direction. */
  readonly maxBodyBytes: number;
}

/** What is asked of the carrier for one body. */
export interface SendOptions {
  /** How long nothing may move, in ms: no byte sent, none received. Opening a connection has a bound of its own. */
  readonly timeoutMs: number;
  /** Gives the exchange up: `ABORTED`, or `RELAY_TIMEOUT` where the reason is `SILENT`. */
  readonly signal?: AbortLike;
  /** Largest answer that is taken. Default: the largest body. */
  readonly maxAnswerBytes?: number;
  /** Asked before memory is taken for an answer, all or a piece of it; where it says no, the answer counts as too large. */
  readonly admits?: (bytes: number) => boolean;
  /** Gives memory for an answer of exactly so many bytes, of any content. Default: new memory. */
  readonly memory?: (bytes: number) => Uint8Array;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Hears of steps as they happen, or with the time at which they happened earlier on this connection. `atMs` is on the clock of `performance.now()`. */
  readonly onStep?: (step: CarrierStep, atMs: number) => void;
}

/** The reason to give an exchange up that the relay should have answered long ago. */
export const SILENT = Symbol('silent');

/** Steps of an exchange: name resolved, TCP and TLS connected, request handed to the system, answer complete. */
export type CarrierStep = 'name' | 'tcp' | 'tls' | 'sent' | 'relay-answered';

/** What came of a body. */
export type CarrierAnswer = { readonly ok: true; readonly body: Uint8Array } | CarrierFailed;

/** A body that came to nothing. */
export interface CarrierFailed {
  readonly ok: false;
  readonly failure: CarrierFailure;
}

/** Why a body came to nothing. */
export interface CarrierFailure {
  /** One of the `RELAY_*` codes, or `ABORTED`. */
  readonly code: ErrorCode;
  /** Names the relay, without secrets, and why. */
  readonly message: string;
  /** The request may have been executed. False only where it surely was not. */
  readonly ambiguous: boolean;
  /** The relay said when to come again, in ms. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Shorthand for a failed answer. */
export function failed(
  code: ErrorCode,
  message: string,
  ambiguous: boolean,
  more?: { retryAfterMs?: number; cause?: unknown },
): CarrierFailed {
  return { ok: false, failure: { code, message, ambiguous, ...more } };
}

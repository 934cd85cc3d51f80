/** The `data` ops of one stream that are on their way, and those that came back without having been run. */
import type { CarrierFailure } from '../carriers/carrier.js';
import type { Relay } from '../carriers/relay.js';

/** One `data` op. */
export interface DataOp {
  readonly seq: number | undefined;
  /** Its bytes as base64; undefined for a poll. */
  readonly d: string | undefined;
  readonly bytes: number;
  /** The batch that carries it. */
  batch: number;
  relay: Relay;
  /** Another op of this stream was in flight at the same time. */
  overlapped: boolean;
  /** When it was first sent, on the clock of `performance.now()`. */
  readonly sentAt: number;
  /** Why it was sent again although it may have been run. */
  doubt: CarrierFailure | undefined;
}

export class DataOps {
  readonly #inFlight = new Set<DataOp>();
  /** In the order of `seq`. */
  readonly #again: DataOp[] = [];

  /** How many are in flight. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** The one to send again next. */
  get again(): DataOp | undefined {
    return this.#again[0];
  }

  /** Whether the node may still lack bytes that were taken to be sent. */
  get carryBytes(): boolean {
    return [...this.#again, ...this.#inFlight].some(({ bytes }) => bytes > 0);
  }

  /** The last batch that carries one in flight, or -1. */
  get lastBatch(): number {
    return Math.max(-1, ...[...this.#inFlight].map(({ batch }) => batch));
  }

  /** Relays that have one in flight. */
  get relays(): Relay[] {
    return [...this.#inFlight].map(({ relay }) => relay);
  }

  /** An op leaves. */
  send(op: DataOp): void {
    for (const other of this.#inFlight) other.overlapped = true;
    op.overlapped ||= this.#inFlight.size > 0;
    this.#inFlight.add(op);
  }

  /** An op came back, one way or the other. */
  end(op: DataOp): void {
    this.#inFlight.delete(op);
  }

  /** An op is to be sent again. */
  keep(op: DataOp): void {
    this.#again.push(op);
    this.#again.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
  }

  /** Takes the one to send again, which goes with another batch now. */
  takeAgain(batch: number, relay: Relay): DataOp {
    return Object.assign(this.#again.shift() as DataOp, { batch, relay });
  }
}

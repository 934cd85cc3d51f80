/** Tells the node that a stream or flow is over. Nobody waits for it: should it get lost, the node reaps the stream in time. */
import type { Relay } from '../carriers/relay.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { Mux, OpSource, PlannedOp } from './mux.js';

/** What a close is about. */
export interface CloseTarget {
  readonly sid: string;
  /** Relays that lead to its node. */
  readonly accepts: (relay: Relay) => boolean;
  /** Names its node among keys of groups. */
  readonly affinity: () => string;
}

export class CloseOps {
  readonly #mux: Mux;
  /** Those that the node was not told of yet. */
  readonly pending = new Set<CloseTarget>();

  constructor(mux: Mux) {
    this.#mux = mux;
  }

  send(target: CloseTarget): void {
    this.pending.add(target);
    let tries = 0;
    const source: OpSource = {
      accepts: target.accepts,
      build: (): PlannedOp[] => [
        {
          op: { op: 'close', sid: target.sid },
          bytes: 0,
          done: () => this.pending.delete(target),
          failed: () => {
            // To close twice does no harm.
            tries += 1;
            if (tries < CLIENT_LIMITS.maxCloseTries) this.#queue(source, target);
            else this.pending.delete(target);
          },
        },
      ],
    };
    this.#queue(source, target);
  }

  #queue(source: OpSource, target: CloseTarget): void {
    this.#mux.ready(source, { lane: 'light', key: `close:${target.affinity()}` });
  }
}

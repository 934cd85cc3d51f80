/** What the parts of level 1 share. */
import type { RelayPool } from '../carriers/relay-pool.js';
import type { ResolvedOptions } from '../options.js';
import type { CloseOps } from './close-op.js';
import type { Mux } from './mux.js';
import type { Peers } from './peers.js';

/** Something that waits for relays, and is told when one begins to rest. */
export interface Waiting {
  checkRelays(): void;
}

/** Something that is looked after now and then. */
export interface Swept {
  sweep(now: number): void;
}

export interface Level1Context {
  readonly options: ResolvedOptions;
  readonly pool: RelayPool;
  readonly mux: Mux;
  readonly peers: Peers;
  readonly closes: CloseOps;
  /** Opens under way. */
  readonly opens: Set<Waiting>;
  /** Streams and flows that are open. */
  readonly streams: Set<Swept>;
}

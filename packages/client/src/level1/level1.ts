/** Level 1 of the wire, as one thing. */
import type { BatchOp, EventHub, MillraceEvent } from '@millrace/protocol';
import { LIMITS } from '@millrace/protocol';
import type { RelayPool } from '../carriers/relay-pool.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { ResolvedOptions } from '../options.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';
import type { Flow, FlowRequest, Level, StreamRequest } from '../tunnel/level.js';
import type { ProbeResult } from '../tunnel/types.js';
import { CloseOps, type CloseTarget } from './close-op.js';
import type { Level1Context } from './context.js';
import { Level1Flow } from './flow.js';
import { Mux } from './mux.js';
import { StreamOpen } from './open.js';
import { Peers } from './peers.js';

/** What level 1 builds on. */
export interface Level1Options {
  readonly options: ResolvedOptions;
  readonly pool: RelayPool;
  readonly events: EventHub<MillraceEvent>;
}

/** Begins to speak level 1 over the relays of `pool`. */
export function createLevel1(options: Level1Options): Level {
  return new Level1(options);
}

class Level1 implements Level {
  readonly #context: Level1Context;
  #sweep: Timer;

  constructor({ options, pool, events }: Level1Options) {
    const { batchWaitMs, exchangeTimeoutMs } = options;
    const mux = new Mux({ pool, batchWaitMs, exchangeTimeoutMs });
    const peers = new Peers({ pool, events, exchangeTimeoutMs });
    this.#context = { options, pool, mux, peers, closes: new CloseOps(mux), opens: new Set(), streams: new Set() };
    pool.onRest(() => {
      for (const waiting of this.#context.opens) waiting.checkRelays();
    });
    this.#sweep = this.#sweepLater();
    for (const relay of pool.relays) relay.carrier.prepare();
    peers.start();
  }

  get waiting(): number {
    return this.#context.mux.waiting;
  }

  openStream(request: StreamRequest): void {
    void new StreamOpen(this.#context, request);
  }

  openFlow(request: FlowRequest): Flow {
    return new Level1Flow(this.#context, request);
  }

  probe(signal: AbortSignal | undefined): Promise<ProbeResult[]> {
    return this.#context.peers.probe(signal);
  }

  async close(): Promise<void> {
    clearTimeout(this.#sweep);
    const { mux, peers, closes } = this.#context;
    const targets = [...closes.pending];
    await Promise.all([mux.abort(), peers.close()]);
    await Promise.all(chunks(targets).map(([accepts, ops]) => mux.flush(ops, accepts)));
  }

  #sweepLater(): Timer {
    return choreTimer(() => {
      const now = performance.now();
      for (const stream of this.#context.streams) stream.sweep(now);
      this.#sweep = this.#sweepLater();
    }, CLIENT_LIMITS.sweepMs);
  }
}

/** Close ops by node, as many to a batch as it takes. */
function chunks(targets: readonly CloseTarget[]): Array<[CloseTarget['accepts'], BatchOp[]]> {
  const batches: Array<[CloseTarget['accepts'], BatchOp[]]> = [];
  const byNode = new Map<string, CloseTarget[]>();
  for (const target of targets) byNode.set(target.affinity(), [...(byNode.get(target.affinity()) ?? []), target]);
  for (const ofNode of byNode.values()) {
    for (let start = 0; start < ofNode.length; start += LIMITS.batchOps) {
      const part = ofNode.slice(start, start + LIMITS.batchOps);
      const { accepts } = part[0] as CloseTarget;
      batches.push([accepts, part.map(({ sid }) => ({ op: 'close', sid }))]);
    }
  }
  return batches;
}

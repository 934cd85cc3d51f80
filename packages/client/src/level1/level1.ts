/** Level 1 of the wire, as one thing. */
import type { BatchOp, EventHub, MillraceEvent, PeerEvent } from '@millrace/protocol';
import { LIMITS } from '@millrace/protocol';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { ResolvedOptions } from '../options.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';
import type { FlowOpener, Level, LevelStats, StreamRequest } from '../tunnel/level.js';
import type { ProbeResult } from '../tunnel/types.js';
import type { ClientHello } from './batch.js';
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
  /** What the client shows of itself to nodes whose level it does not know. */
  readonly hello?: ClientHello;
  /** Whether a relay is used at this level; all are by default. */
  readonly uses?: (relay: Relay) => boolean;
  /** Hears of each answer of a node; `changed` when it tells something new, which is an event by default. */
  readonly onPeer?: (relay: Relay, peer: PeerEvent, changed: boolean) => void;
}

/** Level 1, with what whoever decides about levels has to know and to do. */
export interface Level1 extends Level {
  /** Asks the node behind a relay who it is, in the background; `onPeer` hears of it. */
  ask(relay: Relay): void;
}

/** Begins to speak level 1 over the relays of `pool`. */
export function createLevel1(options: Level1Options): Level1 {
  return new OpLevel(options);
}

class OpLevel implements Level1 {
  readonly #context: Level1Context;
  #sweep: Timer;

  constructor({ options, pool, events, hello, uses, onPeer }: Level1Options) {
    const { batchWaitMs, exchangeTimeoutMs } = options;
    const mux = new Mux({ pool, batchWaitMs, exchangeTimeoutMs, hello });
    const peers = new Peers({ pool, events, exchangeTimeoutMs, hello, uses, onPeer });
    this.#context = { options, pool, mux, peers, closes: new CloseOps(mux), opens: new Set(), streams: new Set() };
    pool.onRest(() => {
      for (const waiting of this.#context.opens) waiting.checkRelays();
    });
    this.#sweep = this.#sweepLater();
    for (const relay of pool.relays) relay.carrier.prepare();
    peers.start();
  }

  readonly flows: FlowOpener = { shared: false, open: (request) => new Level1Flow(this.#context, request) };

  stats(): LevelStats {
    return { waiting: this.#context.mux.waiting, receivedBytes: 0, unsentBytes: 0 };
  }

  levelOf(relay: Relay): 1 | undefined {
    return this.#context.peers.of(relay).known ? 1 : undefined;
  }

  ask(relay: Relay): void {
    this.#context.peers.doubt(relay);
  }

  openStream(request: StreamRequest): void {
    void new StreamOpen(this.#context, request);
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

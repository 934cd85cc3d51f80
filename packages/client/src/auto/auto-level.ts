/**
 * Both levels, where it is not known which one a node speaks. Streams begin at level 1; over a relay whose node shows
 * that it can do more, and that carries it whole, new ones are opened at level 2. Who spoke level 2 once and does not
 * any more is refused, unless that is allowed: somebody in between could have made it look so.
 */
import { CAPABILITY, type EventHub, type MillraceEvent, type PeerEvent } from '@millrace/protocol';
import type { Relay } from '../carriers/relay.js';
import type { RelayPool } from '../carriers/relay-pool.js';
import { TunnelError } from '../errors.js';
import type { Level1, Level1Options } from '../level1/level1.js';
import type { Level2, Level2Options } from '../level2/level2.js';
import { CLIENT_LIMITS } from '../limits.js';
import type { ResolvedOptions } from '../options.js';
import type { FlowOpener, Level, LevelStats, StreamRequest } from '../tunnel/level.js';
import type { ProbeResult } from '../tunnel/types.js';
import type { RelayMemory } from './relay-memory.js';

export interface AutoOptions {
  readonly options: ResolvedOptions;
  readonly pool: RelayPool;
  readonly events: EventHub<MillraceEvent>;
  readonly memory: RelayMemory;
  readonly createLevel1: (hooks: Required<Pick<Level1Options, 'uses' | 'onPeer'>>) => Level1;
  readonly createLevel2: (
    hooks: Required<Pick<Level2Options, 'onNode' | 'onRefused' | 'refusal' | 'onHold'>>,
  ) => Level2;
}

/** Begins to speak both levels. */
export function createAuto(options: AutoOptions): Level {
  return new AutoLevel(options);
}

/** A relay that does not carry level 2 is asked again at least this often, as long as it is used. */
const MAX_REASK_MS = 600_000;

class AutoLevel implements Level {
  readonly #options: AutoOptions;
  readonly #level1: Level1;
  readonly #level2: Level2;
  /** What the nodes told of themselves last. */
  readonly #peers = new Map<Relay, PeerEvent>();
  /** Relays that are being asked whether they carry level 2. */
  readonly #asked = new Map<Relay, Promise<void>>();
  /** Relays whose node spoke level 2 before, and does not any more. */
  readonly #downgraded = new Map<Relay, TunnelError>();
  /** Relays whose answer to that was no: how often, and when last. */
  readonly #refused = new Map<Relay, { times: number; at: number }>();
  #ready: boolean;
  #closed = false;

  constructor(options: AutoOptions) {
    const { memory } = options;
    this.#options = options;
    this.#level2 = options.createLevel2({
      onNode: (relay) => this.#level1.ask(relay),
      onRefused: (relay) => this.#level1.ask(relay),
      // Whether the node is older or the key is wrong is told by level 1.
      refusal: (_relay, failure) => failure,
      onHold: (relay) => memory.noteHold(relay, this.#level2.holdMs(relay)),
    });
    this.#level1 = options.createLevel1({
      uses: (relay) => this.#level2.levelOf(relay) === undefined,
      onPeer: (relay, peer, changed) => this.#onPeer(relay, peer, changed),
    });
    options.pool.onSuccess((relay) => this.#askAgain(relay));
    this.#ready = memory.loaded === undefined;
    void memory.loaded?.then(() => {
      this.#ready = true;
      this.#useRemembered();
    });
  }

  get flows(): FlowOpener {
    const error = this.#refusal();
    if (error === undefined) return this.#choose().flows;
    return {
      shared: false,
      open: () => {
        throw error;
      },
    };
  }

  openStream(request: StreamRequest): void {
    if (!this.#ready) {
      // What was remembered decides, and is here in a moment.
      void this.#options.memory.loaded?.then(() => {
        if (!request.channel.over) this.openStream(request);
      });
      return;
    }
    const error = this.#refusal();
    if (error === undefined) this.#choose().openStream(request);
    else request.channel.fail(error);
  }

  async probe(signal: AbortSignal | undefined): Promise<ProbeResult[]> {
    const results = await this.#level1.probe(signal);
    await Promise.all(this.#asked.values());
    for (const [index, result] of results.entries()) {
      const relay = this.#options.pool.relays[index] as Relay;
      const error = this.#downgraded.get(relay);
      if (error !== undefined) Object.assign(result, { error });
      const level = this.#level2.levelOf(relay);
      if (level !== undefined && result.peer !== undefined) result.peer = { ...result.peer, level };
    }
    return results;
  }

  stats(): LevelStats {
    const [one, two] = [this.#level1.stats(), this.#level2.stats()];
    return {
      waiting: one.waiting + two.waiting,
      receivedBytes: one.receivedBytes + two.receivedBytes,
      unsentBytes: one.unsentBytes + two.unsentBytes,
      ...(two.memory === undefined ? {} : { memory: two.memory }),
    };
  }

  levelOf(relay: Relay): 1 | 2 | undefined {
    return this.#level2.levelOf(relay) ?? this.#level1.levelOf(relay);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#level1.close(), this.#level2.close()]);
  }

  /** The level of the next stream or flow. */
  #choose(): Level1 | Level2 {
    const { pool } = this.#options;
    const at2 = (relay: Relay): boolean => this.#level2.levelOf(relay) !== undefined;
    if (!pool.relays.some(at2)) return this.#level1;
    const blocked = pool.blocked(at2);
    const works = blocked === undefined || blocked.restMs <= CLIENT_LIMITS.openPatienceMs;
    // Relays that carry level 1 only are better than none.
    return works || pool.blocked((relay) => !at2(relay)) !== undefined || pool.relays.every(at2)
      ? this.#level2
      : this.#level1;
  }

  /** Why nothing can be opened. Asks again whether it is still so. */
  #refusal(): TunnelError | undefined {
    const [error] = this.#downgraded.values();
    if (error === undefined || this.#options.pool.relays.some((relay) => this.#level2.levelOf(relay) !== undefined)) {
      return undefined;
    }
    for (const relay of this.#downgraded.keys()) this.#level1.ask(relay);
    return error;
  }

  /** Goes on where the last run ended. With downgrades allowed, memory decides nothing. */
  #useRemembered(): void {
    const { pool, memory, options } = this.#options;
    for (const relay of pool.relays) {
      if (memory.of(relay).level !== 2 || options.allowDowngrade || this.#closed) continue;
      const peer = this.#peers.get(relay);
      // It has told already what it is.
      if (peer !== undefined) this.#onPeer(relay, peer, false);
      else this.#level2.addRelay(relay, this.#level2.nodes.firstForm(relay), memory.of(relay).holdMs);
    }
  }

  /** The node behind a relay told what it can do. */
  #onPeer(relay: Relay, peer: PeerEvent, changed: boolean): void {
    if (this.#closed) return;
    const { events, memory } = this.#options;
    this.#peers.set(relay, peer);
    if ((peer.caps & CAPABILITY.RELIABLE_STREAM) === 0) {
      this.#speaks1(relay);
      if (changed) events.emit(peer);
      return;
    }
    this.#downgraded.delete(relay);
    if (this.#level2.levelOf(relay) !== undefined) {
      memory.noteLevel(relay, 2);
      if (changed) events.emit({ ...peer, level: 2 });
    } else {
      this.#ask2(relay, changed);
    }
  }

  /** The node can do it: does the relay carry it? */
  #ask2(relay: Relay, changed: boolean): void {
    if (this.#asked.has(relay)) return;
    const { events, memory } = this.#options;
    const asked = this.#level2.nodes.ask(relay).then((answer) => {
      this.#asked.delete(relay);
      const peer = this.#peers.get(relay);
      if (this.#closed || peer === undefined) return;
      const mayStill = (peer.caps & CAPABILITY.RELIABLE_STREAM) !== 0;
      if (answer.ok) this.#refused.delete(relay);
      else this.#refused.set(relay, { times: (this.#refused.get(relay)?.times ?? 0) + 1, at: performance.now() });
      if (answer.ok && mayStill) {
        memory.noteLevel(relay, 2);
        this.#level2.addRelay(relay, answer.form, memory.of(relay).holdMs);
        events.emit({ ...peer, level: 2 });
      } else if (changed) {
        events.emit(peer);
      }
    });
    this.#asked.set(relay, asked);
  }

  /** The answer may just have been lost: what works over the relay is a reason to ask again, less often each time. */
  #askAgain(relay: Relay): void {
    const refused = this.#refused.get(relay);
    const caps = this.#peers.get(relay)?.caps ?? 0;
    if (refused === undefined || (caps & CAPABILITY.RELIABLE_STREAM) === 0 || this.#closed) return;
    if (this.#level2.levelOf(relay) !== undefined) return;
    const waitMs = Math.min(MAX_REASK_MS, CLIENT_LIMITS.minRestMs * 2 ** Math.min(refused.times, 16));
    if (performance.now() - refused.at >= waitMs) this.#ask2(relay, false);
  }

  /** The node speaks level 1 only. */
  #speaks1(relay: Relay): void {
    const { options, memory, events } = this.#options;
    const spoke2 = memory.of(relay).level === 2;
    const used = this.#level2.levelOf(relay) !== undefined;
    this.#level2.removeRelay(relay);
    this.#level2.nodes.forget(relay);
    if (!spoke2 && !used) {
      memory.noteLevel(relay, 1);
      return;
    }
    if (options.allowDowngrade) {
      memory.noteLevel(relay, 1);
      this.#downgraded.delete(relay);
      this.#endLevel2(new TunnelError('NODE_RESTARTED', `${relay.name}: the node went back to level 1`));
      return;
    }
    const message =
      `${relay.name} leads to a node that spoke level 2 before and now speaks level 1 only; ` +
      'update the node, or allow it with `--allow-downgrade`';
    const error = new TunnelError('PEER_VERSION', message);
    if (!this.#downgraded.has(relay)) {
      events.emit({ event: 'relay-failed', relay: relay.name, code: 'PEER_VERSION', message, restMs: 0 });
    }
    this.#downgraded.set(relay, error);
    this.#endLevel2(error);
  }

  /** Without a relay at level 2, nothing there can go on. */
  #endLevel2(error: TunnelError): void {
    if (this.#options.pool.relays.every((relay) => this.#level2.levelOf(relay) === undefined)) {
      this.#level2.failAll(error);
    }
  }
}
